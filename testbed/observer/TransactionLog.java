import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.jute.BinaryInputArchive;
import org.apache.jute.Record;
import org.apache.zookeeper.ZooDefs.OpCode;
import org.apache.zookeeper.server.persistence.FileTxnLog;
import org.apache.zookeeper.server.persistence.TxnLog;
import org.apache.zookeeper.txn.CloseSessionTxn;
import org.apache.zookeeper.txn.CreateContainerTxn;
import org.apache.zookeeper.txn.CreateTTLTxn;
import org.apache.zookeeper.txn.CreateTxn;
import org.apache.zookeeper.txn.DeleteTxn;
import org.apache.zookeeper.txn.MultiTxn;
import org.apache.zookeeper.txn.SetACLTxn;
import org.apache.zookeeper.txn.SetDataTxn;
import org.apache.zookeeper.txn.Txn;
import org.apache.zookeeper.txn.TxnHeader;

/**
 * Prints a server's transaction log, one JSON object per line and transaction:
 * {@code TransactionLog <data directory>/version-2 <first zxid>}.
 *
 * <p>A multi is one transaction with several operations; the end of a session is one with the deletes of its
 * ephemerals. What changes no node (opened sessions, checks, errors) has no operations.
 */
public final class TransactionLog {
    private TransactionLog() {}

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        try (TxnLog log = new FileTxnLog(new File(arguments[0]));
                TxnLog.TxnIterator entries = log.read(Long.parseLong(arguments[1]))) {
            boolean more = entries.getHeader() != null;
            while (more) {
                out.println(line(entries.getHeader(), entries.getTxn()));
                more = entries.next();
            }
        }
        out.flush();
    }

    private static String line(TxnHeader header, Record body) throws IOException {
        List<String> operations = new ArrayList<>();
        collect(header.getType(), body, header.getClientId(), operations);
        return "{\"zxid\":" + header.getZxid()
                + ",\"time\":" + header.getTime()
                + ",\"session\":" + header.getClientId()
                + ",\"kind\":" + quoted(name(header.getType()))
                + ",\"operations\":[" + String.join(",", operations) + "]}";
    }

    private static void collect(int type, Record body, long session, List<String> operations) throws IOException {
        switch (type) {
            case OpCode.create:
            case OpCode.create2:
                CreateTxn create = (CreateTxn) body;
                operations.add(create(create.getPath(), create.getData(), create.getEphemeral() ? session : 0));
                break;
            case OpCode.createTTL:
                operations.add(create(((CreateTTLTxn) body).getPath(), ((CreateTTLTxn) body).getData(), 0));
                break;
            case OpCode.createContainer:
                CreateContainerTxn container = (CreateContainerTxn) body;
                operations.add(create(container.getPath(), container.getData(), 0));
                break;
            case OpCode.delete:
            case OpCode.deleteContainer:
                operations.add(operation("delete", ((DeleteTxn) body).getPath()) + "}");
                break;
            case OpCode.setData:
                SetDataTxn set = (SetDataTxn) body;
                operations.add(operation("setData", set.getPath()) + data(set.getData()) + "}");
                break;
            case OpCode.setACL:
                operations.add(operation("setACL", ((SetACLTxn) body).getPath()) + "}");
                break;
            case OpCode.closeSession:
                if (body != null) {
                    for (String path : ((CloseSessionTxn) body).getPaths2Delete()) {
                        operations.add(operation("delete", path) + "}");
                    }
                }
                break;
            case OpCode.multi:
                List<Txn> parts = ((MultiTxn) body).getTxns();
                // The operations before the one that failed are logged as if they had been carried out.
                if (parts.stream().anyMatch(part -> part.getType() == OpCode.error)) {
                    break;
                }
                for (Txn part : parts) {
                    collect(part.getType(), parsed(part), session, operations);
                }
                break;
            default:
                break;
        }
    }

    private static Record parsed(Txn part) throws IOException {
        Record record = empty(part.getType());
        if (record != null) {
            record.deserialize(BinaryInputArchive.getArchive(new ByteArrayInputStream(part.getData())), "txn");
        }
        return record;
    }

    private static Record empty(int type) {
        switch (type) {
            case OpCode.create:
            case OpCode.create2:
                return new CreateTxn();
            case OpCode.createTTL:
                return new CreateTTLTxn();
            case OpCode.createContainer:
                return new CreateContainerTxn();
            case OpCode.delete:
            case OpCode.deleteContainer:
                return new DeleteTxn();
            case OpCode.setData:
                return new SetDataTxn();
            default:
                return null;
        }
    }

    private static String name(int type) {
        switch (type) {
            case OpCode.createSession:
                return "createSession";
            case OpCode.closeSession:
                return "closeSession";
            case OpCode.error:
                return "error";
            case OpCode.multi:
                return "multi";
            case OpCode.create:
            case OpCode.create2:
            case OpCode.createTTL:
            case OpCode.createContainer:
                return "create";
            case OpCode.delete:
            case OpCode.deleteContainer:
                return "delete";
            case OpCode.setData:
                return "setData";
            case OpCode.setACL:
                return "setACL";
            default:
                return "type " + type;
        }
    }

    private static String create(String path, byte[] data, long ephemeralOwner) {
        return operation("create", path) + data(data) + ",\"ephemeralOwner\":" + ephemeralOwner + "}";
    }

    private static String operation(String kind, String path) {
        return "{\"kind\":" + quoted(kind) + ",\"path\":" + quoted(path);
    }

    private static String data(byte[] data) {
        return ",\"data\":" + quoted(data == null ? "" : Base64.getEncoder().encodeToString(data));
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }
}
