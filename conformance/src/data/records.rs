//! A list of records in JSON: long ones, of which hardly anything differs from one to the next.

use super::dice::Dice;

const LEN: usize = 194_056;

pub(super) fn make() -> Vec<u8> {
    let mut dice = Dice::new(1);
    let mut text = "[\n".to_owned();
    for number in 10_000.. {
        let record = format!(
            r#"  {{"id": "{number}", "kind": "measurement", "station": {{"name": "{name}", "country": "Nowhere", "operator": null}},
   "position": {{"latitude": 47.{latitude:02}, "longitude": 8.5417, "altitude": 408.0}},
   "values": {{"temperature": 2{temperature}.5, "humidity": {humidity}.0, "pressure": {pressure}.25, "wind": 0.0}},
   "battery": 3.{battery}, "flags": ["calibrated", "automatic", "checked"], "comment": "", "valid": true}},
"#,
            name = dice.pick(&["Ahorn", "Birke", "Eiche", "Linde"]),
            latitude = dice.below(100),
            temperature = dice.below(10),
            pressure = 990 + dice.below(40),
            battery = dice.below(10),
            humidity = 20 + dice.below(60),
        );
        let rest = LEN - text.len();
        if record.len() + r#"  {"end": ""}]"#.len() > rest {
            text += &format!(r#"  {{"end": "{}"}}]"#, ".".repeat(rest - 14));
            break;
        }
        text += &record;
    }
    text.into_bytes()
}
