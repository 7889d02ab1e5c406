import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A subscriber of a page: prints the events of topics as JSON lines, and goes on where it ended.
 *
 * <pre>
 * mvn -q process-classes
 * java -cp 'target/classes:target/lib/*' Subscribe --kafka HOST:PORT --registry URL --group NAME demo.core.situation
 * </pre>
 */
public final class Subscribe {
    private static final DateTimeFormatter ISO = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSxxx");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] words) throws IOException {
        Map<String, String> said = new LinkedHashMap<>();
        List<String> topics = new ArrayList<>();
        boolean untilEnd = Arrays.asList(words).contains("--until-end"); // end when everything that is there was read
        for (int at = 0; at < words.length; at++) {
            if (List.of("--kafka", "--registry", "--group").contains(words[at])) {
                said.put(words[at], words[++at]);
            } else if (!words[at].equals("--until-end")) {
                topics.add(words[at]);
            }
        }
        try (var consumer = new KafkaConsumer<String, GenericRecord>(settings(said))) {
            consumer.subscribe(topics);
            while (!(untilEnd && isAtEnd(consumer))) {
                var records = consumer.poll(Duration.ofSeconds(1));
                for (var record : records) {
                    OUT.println(JSON.writeValueAsString(event(record)));
                }
                OUT.flush();
                if (!records.isEmpty()) {
                    consumer.commitSync(); // the work is done: a restart goes on here
                }
            }
        }
    }

    private static Map<String, Object> settings(Map<String, String> said) {
        return Map.of(
                "bootstrap.servers", said.get("--kafka"),
                "group.id", said.get("--group"),
                "isolation.level", "read_committed", // else records of aborted transactions are read, too
                "auto.offset.reset", "earliest", // a new group begins with the oldest that is kept
                "enable.auto.commit", false,
                "key.deserializer", StringDeserializer.class,
                "value.deserializer", AvroKafkaDeserializer.class, // asks Apicurio's own API, not Confluent's
                "apicurio.registry.url", said.get("--registry").replaceFirst("/apis/ccompat/.*", "/apis/registry/v3"));
    }

    private static boolean isAtEnd(KafkaConsumer<?, ?> consumer) {
        var ends = consumer.endOffsets(consumer.assignment());
        return !ends.isEmpty()
                && ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    private static Map<String, Object> event(ConsumerRecord<String, GenericRecord> record) {
        Map<String, Object> headers = new LinkedHashMap<>();
        record.headers().forEach(one -> headers.put(one.key(), new String(one.value(), StandardCharsets.UTF_8)));
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("topic", record.topic());
        event.put("partition", record.partition());
        event.put("offset", record.offset());
        event.put("key", record.key());
        event.put("headers", headers);
        event.put("value", record.value() == null ? null : shown(record.value().getSchema(), record.value()));
        return event; // a tombstone's value is null
    }

    /** The value as JSON may hold it: times as ISO 8601, bytes as base64. */
    private static Object shown(Schema schema, Object value) {
        if (value == null) {
            return null;
        }
        if (schema.getLogicalType() instanceof LogicalTypes.TimestampMillis) {
            return Instant.ofEpochMilli((Long) value).atOffset(ZoneOffset.UTC).format(ISO);
        }
        return switch (schema.getType()) {
            case UNION -> shown(schema.getTypes().get(GenericData.get().resolveUnion(schema, value)), value);
            case RECORD -> {
                Map<String, Object> fields = new LinkedHashMap<>();
                schema.getFields().forEach(
                        one -> fields.put(one.name(), shown(one.schema(), ((GenericRecord) value).get(one.pos()))));
                yield fields;
            }
            case ARRAY -> ((List<?>) value).stream().map(one -> shown(schema.getElementType(), one)).toList();
            case MAP -> {
                Map<String, Object> entries = new LinkedHashMap<>();
                ((Map<?, ?>) value).forEach((key, one) -> entries.put(key.toString(), shown(schema.getValueType(), one)));
                yield entries;
            }
            case BYTES -> Base64.getEncoder().encodeToString(((ByteBuffer) value).array());
            case STRING, ENUM -> value.toString();
            case FLOAT -> ((Float) value).doubleValue(); // as other languages print it
            default -> value;
        };
    }
}
