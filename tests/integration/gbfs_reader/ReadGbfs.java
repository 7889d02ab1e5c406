import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.entur.gbfs.authentication.BearerTokenRequestAuthenticator;
import org.entur.gbfs.loader.v3.GbfsV3Loader;
import org.mobilitydata.gbfs.v3_0.station_information.GBFSStationInformation;
import org.mobilitydata.gbfs.v3_0.station_status.GBFSStationStatus;
import org.mobilitydata.gbfs.v3_0.system_alerts.GBFSSystemAlerts;
import org.mobilitydata.gbfs.v3_0.system_information.GBFSSystemInformation;
import org.mobilitydata.gbfs.v3_0.vehicle_status.GBFSVehicleStatus;
import org.mobilitydata.gbfs.v3_0.vehicle_types.GBFSVehicleTypes;

/** Reads all feeds behind a gbfs.json, with a key, and prints what the library made of them as one JSON object. */
public class ReadGbfs {
    static final List<Class<?>> FEEDS = List.of(
            GBFSSystemInformation.class,
            GBFSVehicleTypes.class,
            GBFSStationInformation.class,
            GBFSStationStatus.class,
            GBFSVehicleStatus.class,
            GBFSSystemAlerts.class);

    public static void main(String[] words) throws Exception {
        GbfsV3Loader loader = new GbfsV3Loader(words[0], new BearerTokenRequestAuthenticator(words[1]), 10_000L);
        loader.update();
        Map<String, Object> found = new TreeMap<>();
        for (Class<?> feed : FEEDS) {
            Object told = loader.getFeed(feed);
            if (told != null) {
                found.put(feed.getSimpleName(), told);
            }
        }
        System.out.println(new ObjectMapper().writeValueAsString(found));
    }
}
