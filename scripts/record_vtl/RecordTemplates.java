// Renders mapping templates with Apache Velocity 1.7, the engine that API Gateway documents.
// Standard input: [{"template", "body", "parameters": {"path", "querystring", "header"}, "context"}];
// standard output: [{"text", "status", "headers"} or {"error"}]. record.py starts it.

import java.io.StringWriter;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;
import org.apache.velocity.app.event.EventCartridge;
import org.apache.velocity.app.event.ReferenceInsertionEventHandler;

public class RecordTemplates {
  public static void main(String[] arguments) throws Exception {
    String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    VelocityEngine engine = new VelocityEngine();
    engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
    engine.init();
    List<Object> answers = new ArrayList<>();
    for (Object item : (List<?>) new Json(text).value()) {
      answers.add(render(engine, (Map<String, Object>) item));
    }
    System.out.write(Json.write(answers).getBytes(StandardCharsets.UTF_8));
    System.out.flush();
  }

  static Map<String, Object> render(VelocityEngine engine, Map<String, Object> item) {
    Map<String, Object> override = new LinkedHashMap<>();
    override.put("header", new LinkedHashMap<String, Object>());
    Map<String, Object> context = (Map<String, Object>) item.get("context");
    context.put("responseOverride", override);
    VelocityContext names = new VelocityContext();
    names.put("input", new Input((String) item.get("body"), (Map<String, Object>) item.get("parameters")));
    names.put("util", new Util());
    names.put("context", context);
    // A reference without value: Velocity prints its source, API Gateway nothing.
    EventCartridge cartridge = new EventCartridge();
    cartridge.addEventHandler((ReferenceInsertionEventHandler) (reference, value) -> value == null ? "" : value);
    cartridge.attachToContext(names);
    Map<String, Object> answer = new LinkedHashMap<>();
    try {
      StringWriter writer = new StringWriter();
      engine.evaluate(names, writer, "template", (String) item.get("template"));
      answer.put("text", writer.toString());
      answer.put("status", override.get("status"));
      answer.put("headers", override.get("header"));
    } catch (RuntimeException error) {
      answer.put("error", error.getClass().getSimpleName());
    }
    return answer;
  }

  public static class Input {
    private final String body;
    private final Map<String, Object> parameters;

    Input(String body, Map<String, Object> parameters) {
      this.body = body;
      this.parameters = parameters;
    }

    public String getBody() {
      return body;
    }

    public Object path(String path) {
      Object value = body.isBlank() ? new LinkedHashMap<>() : new Json(body).value();
      for (String name : path.substring(1).split("\\.")) {
        if (!name.isEmpty()) {
          value = value instanceof Map ? ((Map<?, ?>) value).get(name) : null;
        }
      }
      return value;
    }

    public String json(String path) {
      Object value = path(path);
      return value == null ? "\"\"" : Json.write(value);
    }

    public Map<String, Object> params() {
      return parameters;
    }

    public String params(String name) {
      for (String kind : new String[] {"path", "querystring", "header"}) {
        Object value = ((Map<?, ?>) parameters.get(kind)).get(name);
        if (value != null) {
          return (String) value;
        }
      }
      return "";
    }
  }

  public static class Util {
    public String escapeJavaScript(Object value) {
      return value == null ? null : StringEscapeUtils.escapeJavaScript(value.toString());
    }

    public Object parseJson(String text) {
      return new Json(text).value();
    }

    public String urlEncode(String text) {
      return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    public String urlDecode(String text) {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
  }

  // Arrays print as JSON, objects as java.util.Map does.
  public static class JsonList extends ArrayList<Object> {
    @Override
    public String toString() {
      return Json.write(this);
    }
  }

  static class Json {
    private final String text;
    private int at = 0;

    Json(String text) {
      this.text = text;
    }

    Object value() {
      space();
      char next = text.charAt(at);
      if (next == '{') return object();
      if (next == '[') return array();
      if (next == '"') return string();
      int start = at;
      while (at < text.length() && ",]}\n\r\t ".indexOf(text.charAt(at)) < 0) at++;
      String word = text.substring(start, at);
      switch (word) {
        case "true": return true;
        case "false": return false;
        case "null": return null;
        default: return word.matches("-?\\d+") ? (Object) Long.valueOf(word) : Double.valueOf(word);
      }
    }

    private Map<String, Object> object() {
      Map<String, Object> found = new LinkedHashMap<>();
      at++;
      for (space(); text.charAt(at) != '}'; space()) {
        if (text.charAt(at) == ',') { at++; space(); }
        String key = string();
        space();
        at++;
        found.put(key, value());
      }
      at++;
      return found;
    }

    private List<Object> array() {
      List<Object> found = new JsonList();
      at++;
      for (space(); text.charAt(at) != ']'; space()) {
        if (text.charAt(at) == ',') at++;
        found.add(value());
      }
      at++;
      return found;
    }

    private String string() {
      StringBuilder found = new StringBuilder();
      for (at++; text.charAt(at) != '"'; at++) {
        char next = text.charAt(at);
        if (next != '\\') { found.append(next); continue; }
        next = text.charAt(++at);
        if (next == 'u') {
          found.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
          at += 4;
        } else {
          int known = "bfnrt".indexOf(next);
          found.append(known < 0 ? next : "\b\f\n\r\t".charAt(known));
        }
      }
      at++;
      return found.toString();
    }

    private void space() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
    }

    static String write(Object value) {
      if (value == null) return "null";
      if (value instanceof String) return quote((String) value);
      StringBuilder out = new StringBuilder();
      if (value instanceof Map) {
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
          out.append(out.length() == 0 ? "" : ",").append(quote((String) entry.getKey())).append(':');
          out.append(write(entry.getValue()));
        }
        return "{" + out + "}";
      }
      if (value instanceof List) {
        for (Object item : (List<?>) value) out.append(out.length() == 0 ? "" : ",").append(write(item));
        return "[" + out + "]";
      }
      return value.toString();
    }

    private static String quote(String text) {
      StringBuilder out = new StringBuilder("\"");
      for (char next : text.toCharArray()) {
        int known = "\b\f\n\r\t\"\\".indexOf(next);
        if (known >= 0) out.append('\\').append("bfnrt\"\\".charAt(known));
        else if (next < 32) out.append(String.format("\\u%04x", (int) next));
        else out.append(next);
      }
      return out.append('"').toString();
    }
  }
}
