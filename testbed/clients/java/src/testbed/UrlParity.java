package testbed;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.dubbo.common.URL;

/**
 * Reads provider URLs with Dubbo's own classes and prints what they make of each.
 *
 * <p>One line in, one line out. "text BASE64" is a URL as decoded text (URL.valueOf); "node BASE64" is the name of a
 * child of a providers directory, read the way this generation's ZooKeeper registry does (2.6: URL.decode, then
 * URL.valueOf; later: URLStrParser.parseEncodedStr). BASE64 is of UTF-8.
 */
public final class UrlParity {
    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(" ", -1);
            String input = new String(Base64.getDecoder().decode(parts[1]), StandardCharsets.UTF_8);
            Map<String, Object> answer = new LinkedHashMap<>();
            try {
                describe(parts[0].equals("node") ? parseNode(input) : URL.valueOf(input), answer);
            } catch (Exception e) {
                answer.clear();
                answer.put("error", e.getClass().getSimpleName() + ": " + e.getMessage());
            }
            Json.print(answer);
        }
        System.exit(0);
    }

    private static void describe(URL url, Map<String, Object> answer) {
        answer.put("protocol", url.getProtocol());
        answer.put("host", url.getHost());
        answer.put("port", url.getPort());
        answer.put("path", url.getPath());
        answer.put("parameters", new TreeMap<>(url.getParameters()));
        answer.put("service_key", url.getServiceKey());
        answer.put("full", url.toFullString());
        answer.put("encoded", URL.encode(url.toFullString()));
    }

    private static URL parseNode(String name) throws Exception {
        Method parser;
        try {
            parser = Class.forName("org.apache.dubbo.common.URLStrParser").getMethod("parseEncodedStr", String.class);
        } catch (ClassNotFoundException e) {
            return URL.valueOf(URL.decode(name));
        }
        try {
            return (URL) parser.invoke(null, name);
        } catch (InvocationTargetException e) {
            throw (Exception) e.getCause();
        }
    }
}
