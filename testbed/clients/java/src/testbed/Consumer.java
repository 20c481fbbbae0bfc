package testbed;

import demo.Shop;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.rpc.RpcException;

/**
 * Finds demo services in ZooKeeper and calls each at a fixed rate until standard input closes.
 *
 * <p>Arguments: ZooKeeper connect string, calls a second per reference, then one "interface,group,version,protocol" per
 * reference (empty: not set). Prints one line per call and one whenever the provider list of a reference changes.
 */
public final class Consumer {
    private static final long LIST_CHECK_MILLIS = 50;

    private static volatile boolean stopped;

    public static void main(String[] args) throws Exception {
        ApplicationConfig application = new ApplicationConfig("testbed-consumer");
        RegistryConfig registry = new RegistryConfig("zookeeper://" + args[0].replaceFirst(",", "?backup="));
        List<ReferenceConfig<Shop>> configs = new ArrayList<>();
        for (int i = 2; i < args.length; i++) {
            configs.add(reference(application, registry, args[i].split(",", -1)));
        }
        long period = TimeUnit.SECONDS.toNanos(1) / Integer.parseInt(args[1]);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < configs.size(); i++) {
            int number = i;
            Shop shop = configs.get(i).get();
            threads.add(start("calls-" + number, () -> callUntilStopped(number, shop, period)));
        }
        threads.add(start("lists", () -> watchLists(configs)));
        while (System.in.read() >= 0) {
            continue;
        }
        stopped = true;
        for (Thread thread : threads) {
            thread.join();
        }
        System.exit(0);
    }

    private static ReferenceConfig<Shop> reference(ApplicationConfig application, RegistryConfig registry, String[] wanted) {
        ReferenceConfig<Shop> config = new ReferenceConfig<>();
        config.setApplication(application);
        config.setRegistry(registry);
        config.setInterface(wanted[0]);
        config.setGroup(Provider.orNull(wanted[1]));
        config.setVersion(Provider.orNull(wanted[2]));
        config.setProtocol(Provider.orNull(wanted[3]));
        config.setCheck(false);
        config.setRetries(0);
        config.setTimeout(3000);
        return config;
    }

    private static Thread start(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Calls that fell due while one hung are left out, not made up for. */
    private static void callUntilStopped(int number, Shop shop, long period) {
        long due = System.nanoTime();
        while (!stopped) {
            call(number, shop);
            due = Math.max(due + period, System.nanoTime());
            sleepUntil(due);
        }
    }

    private static void call(int number, Shop shop) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("ref", number);
        line.put("at", System.currentTimeMillis());
        long began = System.nanoTime();
        try {
            line.put("answer", shop.add("book"));
        } catch (RuntimeException e) {
            line.put("error", kind(e));
        }
        line.put("ms", (System.nanoTime() - began) / 1000 / 1000.0);
        Json.print(line);
    }

    private static String kind(RuntimeException e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("No provider available")) {
            return "no-provider";
        }
        if (e instanceof RpcException && ((RpcException) e).isTimeout()) {
            return "timeout";
        }
        return e.getClass().getSimpleName() + ": " + message.substring(0, Math.min(300, message.length()));
    }

    private static void watchLists(List<ReferenceConfig<Shop>> configs) {
        List<Set<String>> last = new ArrayList<>();
        while (!stopped) {
            for (int i = 0; i < configs.size(); i++) {
                Set<String> now = ProviderList.of(configs.get(i));
                if (last.size() == i) {
                    last.add(null);
                }
                if (now != null && !now.equals(last.get(i))) {
                    last.set(i, now);
                    Map<String, Object> line = new LinkedHashMap<>();
                    line.put("ref", i);
                    line.put("at", System.currentTimeMillis());
                    line.put("providers", now);
                    Json.print(line);
                }
            }
            sleepUntil(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LIST_CHECK_MILLIS));
        }
    }

    private static void sleepUntil(long due) {
        try {
            TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
