//! Places as a scenario writes them: `A 10`, `D 3E4N`, `55.7558/37.6173`.

use doorstep::domain::geo::Point;

use super::words::{Parsed, number};

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
