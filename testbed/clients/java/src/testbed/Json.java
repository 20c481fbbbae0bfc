package testbed;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.Collection;
import java.util.Map;

/** Writes JSON, one value per line, to what was standard output at the start; Dubbo's own prints go to standard error. */
final class Json {
    private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false);

    static {
        System.setOut(System.err);
    }

    private Json() {}

    /** Prints one line, whole even when several threads print. */
    static void print(Object value) {
        String line = text(value) + "\n";
        synchronized (OUT) {
            OUT.print(line);
            OUT.flush();
        }
    }

    private static String text(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value == null || value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.append(separator);
                quote(String.valueOf(entry.getKey()), out);
                out.append(':');
                write(entry.getValue(), out);
                separator = ",";
            }
            out.append(separator.equals("{") ? "{}" : "}");
        } else if (value instanceof Collection) {
            String separator = "[";
            for (Object item : (Collection<?>) value) {
                out.append(separator);
                write(item, out);
                separator = ",";
            }
            out.append(separator.equals("[") ? "[]" : "]");
        } else {
            quote(value.toString(), out);
        }
    }

    /** ASCII only, so that the encoding of the stream plays no part. */
    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
