package testbed;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.cluster.Directory;

/**
 * The providers a reference holds: the keys of RegistryDirectory.urlInvokerMap, for which Dubbo has no public way.
 *
 * <p>How deep the directory lies below ReferenceConfig.invoker differs between generations (mock, migration and scope
 * wrappers), so every field that holds an Invoker or a Directory is followed until one has the map.
 */
final class ProviderList {
    private ProviderList() {}

    /** Addresses as host:port, or null while there is no directory yet. */
    static Set<String> of(ReferenceConfig<?> config) {
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> open = new ArrayDeque<>();
        open.add(config);
        while (!open.isEmpty()) {
            Object node = open.remove();
            if (!seen.add(node)) {
                continue;
            }
            for (Class<?> type = node.getClass(); type != null && type != Object.class; type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    if (Modifier.isStatic(field.getModifiers())) {
                        continue;
                    }
                    if (field.getName().equals("urlInvokerMap")) {
                        return addresses((Map<?, ?>) read(field, node));
                    }
                    if (holdsInvokers(field.getType())) {
                        Object value = read(field, node);
                        if (value instanceof Invoker || value instanceof Directory) {
                            open.add(value);
                        }
                    }
                }
            }
        }
        return null;
    }

    private static boolean holdsInvokers(Class<?> type) {
        return Invoker.class.isAssignableFrom(type) || Directory.class.isAssignableFrom(type);
    }

    private static Object read(Field field, Object owner) {
        try {
            field.setAccessible(true);
            return field.get(owner);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Set<String> addresses(Map<?, ?> invokers) {
        Set<String> found = new TreeSet<>();
        if (invokers != null) {
            for (Object invoker : invokers.values()) {
                found.add(((Invoker<?>) invoker).getUrl().getAddress());
            }
        }
        return found;
    }
}
