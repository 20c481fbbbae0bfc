package testbed;

import demo.CartService;
import demo.OrderService;
import java.util.Collections;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;

/**
 * Serves demo interfaces at one address and registers nowhere.
 *
 * <p>Arguments: host, port, protocol, name, then one "interface,group,version,path" per service (empty: not set).
 * Prints {"ready": true} once it serves; SIGTERM ends it by Dubbo's own shutdown hook.
 */
public final class Provider {
    public static void main(String[] args) throws Exception {
        // Else 3.x opens a second port, on all addresses, for its metadata service.
        System.setProperty("dubbo.application.register-mode", "interface");
        String host = args[0];
        int port = Integer.parseInt(args[1]);
        ApplicationConfig application = new ApplicationConfig(args[3]);
        for (int i = 4; i < args.length; i++) {
            String[] service = args[i].split(",", -1);
            ProtocolConfig protocol = new ProtocolConfig(args[2], port);
            protocol.setHost(host);
            ServiceConfig<Object> config = new ServiceConfig<>();
            config.setApplication(application);
            config.setRegistry(new RegistryConfig("N/A"));
            config.setProtocol(protocol);
            config.setInterface(service[0]);
            config.setGroup(orNull(service[1]));
            config.setVersion(orNull(service[2]));
            config.setPath(orNull(service[3]));
            config.setRef(new Shelf(String.join("|", host + ":" + port, args[3], service[0], service[1], service[2])));
            config.export();
        }
        Json.print(Collections.singletonMap("ready", true));
        Thread.currentThread().join();
    }

    static String orNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private static final class Shelf implements CartService, OrderService {
        private final String answer;

        Shelf(String answer) {
            this.answer = answer;
        }

        @Override
        public String add(String item) {
            return answer;
        }
    }
}
