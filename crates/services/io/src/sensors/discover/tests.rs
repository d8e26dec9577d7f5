//! Sensors on a copy of `/sys`: files put there by the tests.

use super::*;

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn an_empty_board_has_none() {
    let root = tempfile::tempdir().unwrap();
    assert!(discover(root.path()).is_empty());
}

#[test]
fn thermometers_on_the_wire_and_not_their_master() {
    let root = tempfile::tempdir().unwrap();
    put(
        root.path(),
        "sys/bus/w1/devices/28-0316a2795cff/temperature",
        "21437\n",
    );
    put(
        root.path(),
        "sys/bus/w1/devices/w1_bus_master1/w1_master_slaves",
        "28-x\n",
    );
    put(root.path(), "sys/bus/w1/devices/29-000000000001/output", "");
    let found = discover(root.path());
    let [device] = &found[..] else { panic!("{found:?}") };
    assert_eq!(device.bus, Bus::W1);
    let channel = &device.channels[0];
    assert_eq!(
        (
            channel.id.as_str(),
            channel.kind.as_str(),
            channel.quantity,
            channel.unit
        ),
        ("28-0316a2795cff", "ds18b20", "temperature", "°C")
    );
}

#[test]
fn channels_of_iio_devices_finished_and_raw() {
    let root = tempfile::tempdir().unwrap();
    let dht = "sys/bus/iio/devices/iio:device0";
    put(root.path(), &format!("{dht}/name"), "dht11@0\n");
    put(root.path(), &format!("{dht}/in_temp_input"), "22000\n");
    put(
        root.path(),
        &format!("{dht}/in_humidityrelative_input"),
        "48000\n",
    );
    let adc = "sys/bus/iio/devices/iio:device1";
    put(root.path(), &format!("{adc}/name"), "ads1015\n");
    put(root.path(), &format!("{adc}/in_voltage0_raw"), "800\n");
    put(root.path(), &format!("{adc}/in_voltage0_scale"), "3\n");
    put(root.path(), &format!("{adc}/in_voltage1_raw"), "1\n");
    put(root.path(), &format!("{adc}/in_nothing_known_raw"), "1\n");
    put(root.path(), "sys/bus/iio/devices/trigger0/name", "sysfstrig\n");
    let found = discover(root.path());
    let ids: Vec<&str> = found
        .iter()
        .flat_map(|device| &device.channels)
        .map(|channel| channel.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "dht11-humidityrelative",
            "dht11-temp",
            "ads1015-voltage0",
            "ads1015-voltage1"
        ]
    );
    assert!(matches!(&found[0].channels[0].source, Source::Finished(_)));
    let Source::Raw { scale, .. } = &found[1].channels[0].source else {
        panic!("raw")
    };
    assert!(scale[0].ends_with("in_voltage0_scale") && scale[1].ends_with("in_voltage_scale"));
}

#[test]
fn hwmon_chips_of_a_kind_are_numbered_in_order() {
    let root = tempfile::tempdir().unwrap();
    for number in [0, 1, 10] {
        let path = format!("sys/class/hwmon/hwmon{number}");
        put(root.path(), &format!("{path}/name"), "lm75\n");
        put(root.path(), &format!("{path}/temp1_input"), "23500\n");
        put(root.path(), &format!("{path}/temp1_max"), "80000\n");
        put(
            root.path(),
            &format!("{path}/temp1_label"),
            &format!("probe {number}\n"),
        );
    }
    put(root.path(), "sys/class/hwmon/hwmon2/name", "rpi_volt\n");
    put(root.path(), "sys/class/hwmon/hwmon2/in0_lcrit_alarm", "0\n");
    let found = discover(root.path());
    let named: Vec<(&str, Option<&str>)> = found
        .iter()
        .flat_map(|device| &device.channels)
        .map(|channel| (channel.id.as_str(), channel.label.as_deref()))
        .collect();
    assert_eq!(
        named,
        [
            ("lm75-temp1", Some("probe 0")),
            ("lm75-temp1-2", Some("probe 1")),
            ("lm75-temp1-3", Some("probe 10"))
        ]
    );
}
