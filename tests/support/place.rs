//! Places by metres: a point so far east and north of another, right to about a centimetre.

use doorstep::domain::geo::{Point, Scale};

use super::words::{Parsed, number};

/// The point so many metres east and north of `anchor`, to the nearest 1e-7 degree. Metres are
/// those around the anchor, as in the rules for distances to a stop.
pub fn moved(anchor: Point, east_m: f64, north_m: f64) -> Point {
    let scale = Scale::at(anchor);
    let lat_e7 = anchor.lat_e7() + (north_m / scale.lat_m).round() as i32;
    let lon_e7 = anchor.lon_e7() + (east_m / scale.lon_m).round() as i32;
    Point::from_e7(lat_e7, lon_e7).expect("a scenario stays on the globe")
}

/// Metres east and north in `10` (east), `600N`, `3E4N`, `250S`.
pub fn offset(text: &str) -> Parsed<(f64, f64)> {
    let (mut east_m, mut north_m) = (0.0, 0.0);
    let mut digits = String::new();
    for c in text.chars() {
        match c {
            'E' => east_m += number::<f64>(&std::mem::take(&mut digits))?,
            'W' => east_m -= number::<f64>(&std::mem::take(&mut digits))?,
            'N' => north_m += number::<f64>(&std::mem::take(&mut digits))?,
            'S' => north_m -= number::<f64>(&std::mem::take(&mut digits))?,
            _ => digits.push(c),
        }
    }
    if !digits.is_empty() {
        east_m += number::<f64>(&digits)?;
    }
    Ok((east_m, north_m))
}

/// A point in `55.7558/37.6173`, degrees.
pub fn absolute(text: &str) -> Parsed<Point> {
    let (lat, lon) = text.split_once('/').ok_or(format!("`{text}` is not a place"))?;
    Point::from_degrees(number(lat)?, number(lon)?).map_err(|error| error.to_string())
}

/// Whether a word is an offset, not a name.
pub fn is_offset(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains('/')
}

/// Where the first order of a scenario is, if it does not say: Moscow.
pub fn origin() -> Point {
    Point::from_e7(557_558_000, 376_173_000).expect("on the globe")
}
