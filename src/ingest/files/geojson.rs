//! GeoJSON: a Feature with a `LineString` and one time per coordinate, or a `FeatureCollection` of
//! such. The times are ISO 8601 texts in `properties.coordTimes`, `properties.times` or
//! `properties.coordinateProperties.times`; `properties.courier` names the courier. Rows stand in
//! the order of the file, feature by feature.

use std::io::BufRead;

use serde::Deserialize;

use super::fields::{COURIER, Context, LAT, LON, TimeForm};
use super::{FileError, Origin, Row};
use crate::runtime::documents::words::in_words;

/// The rows of a GeoJSON file, which is read as a whole.
pub(super) fn coordinates(
    input: Box<dyn BufRead>,
    file: String,
    origin: Origin,
) -> Result<Vec<Result<Row, FileError>>, FileError> {
    let context = Context { file, origin };
    let root: Root = serde_json::from_reader(input).map_err(|error| {
        context.unreadable(format!("not GeoJSON: {}", in_words(&error.to_string())))
    })?;
    let features = match root {
        Root::Feature { geometry, properties } => vec![Feature { geometry, properties }],
        Root::FeatureCollection { features } => features,
    };
    let mut rows = Vec::new();
    for (index, feature) in features.into_iter().enumerate() {
        let before = rows.len() as u64;
        add_rows(&mut rows, &context, &Track::new(&context, index, before, feature)?);
    }
    Ok(rows)
}

fn add_rows(rows: &mut Vec<Result<Row, FileError>>, context: &Context, track: &Track) {
    for (index, (coordinate, time)) in track.coordinates.iter().zip(&track.times).enumerate() {
        let line = track.before + index as u64 + 1;
        let [lon, lat] = match coordinate.as_slice() {
            [lon, lat, ..] => [lon.to_string(), lat.to_string()],
            _ => {
                let problem = "needs a longitude and a latitude";
                rows.push(Err(context.refuse(line, "coordinates", problem)));
                continue;
            }
        };
        rows.push(context.row(line, TimeForm::Time, |name| match name {
            COURIER => track.courier.as_deref(),
            LAT => Some(lat.as_str()),
            LON => Some(lon.as_str()),
            "time" => Some(time.as_str()),
            _ => None,
        }));
    }
}

/// A feature whose times fit its coordinates.
struct Track {
    before: u64,
    courier: Option<String>,
    coordinates: Vec<Vec<f64>>,
    times: Vec<String>,
}

impl Track {
    fn new(
        context: &Context,
        index: usize,
        before: u64,
        feature: Feature,
    ) -> Result<Self, FileError> {
        let refuse = |problem: &str| context.unreadable(format!("feature {index} {problem}"));
        let Some(Geometry::LineString { coordinates }) = feature.geometry else {
            return Err(refuse("has no geometry"));
        };
        let properties = feature.properties.unwrap_or_default();
        let nested = properties.coordinate_properties.and_then(|nested| nested.times);
        let times = properties.coord_times.or(properties.times).or(nested).ok_or_else(|| {
            refuse(
                "has no times: expected properties.coordTimes, properties.times or \
                 properties.coordinateProperties.times",
            )
        })?;
        if times.len() != coordinates.len() {
            let (times, points) = (times.len(), coordinates.len());
            return Err(refuse(&format!("has {times} times for {points} coordinates")));
        }
        if properties.courier.is_none() {
            context.need_sole_courier()?;
        }
        Ok(Self { before, courier: properties.courier, coordinates, times })
    }
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Root {
    Feature { geometry: Option<Geometry>, properties: Option<Properties> },
    FeatureCollection { features: Vec<Feature> },
}

#[derive(Deserialize)]
struct Feature {
    geometry: Option<Geometry>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Geometry {
    LineString { coordinates: Vec<Vec<f64>> },
}

#[derive(Default, Deserialize)]
struct Properties {
    courier: Option<String>,
    #[serde(rename = "coordTimes")]
    coord_times: Option<Vec<String>>,
    times: Option<Vec<String>>,
    #[serde(rename = "coordinateProperties")]
    coordinate_properties: Option<CoordinateProperties>,
}

#[derive(Deserialize)]
struct CoordinateProperties {
    times: Option<Vec<String>>,
}
