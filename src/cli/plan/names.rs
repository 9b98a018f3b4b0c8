//! Numbers (the customer's names of things) and the dense ids drawn for them, both ways.

use std::collections::BTreeMap;

use crate::runtime::documents::findings::{Findings, Place};

/// The numbers of one kind of object, with ids from 1 in the order of appearance.
#[derive(Clone, Debug, Default)]
pub struct Names {
    list: Vec<String>,
    ids: BTreeMap<String, u32>,
}

impl Names {
    /// The id of a number.
    #[must_use]
    pub fn id(&self, number: &str) -> Option<u32> {
        self.ids.get(number).copied()
    }

    /// The number of an id; empty for an id that was never drawn.
    #[must_use]
    pub fn number(&self, id: u64) -> &str {
        let index = id.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.list.get(index)).map_or("", String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The longest number, in characters.
    #[must_use]
    pub fn width(&self) -> usize {
        self.list.iter().map(|number| number.chars().count()).max().unwrap_or(0)
    }

    /// Draws the next id for a number that must be new.
    pub(super) fn draw(&mut self, number: &str, place: &Place, findings: &mut Findings) -> u32 {
        if self.ids.contains_key(number) {
            findings.error(place, format!("\"{number}\" is used twice"));
        }
        self.add(number)
    }

    /// The id of a number, drawn now if it is new.
    pub(super) fn id_or_draw(&mut self, number: &str) -> u32 {
        self.id(number).unwrap_or_else(|| self.add(number))
    }

    fn add(&mut self, number: &str) -> u32 {
        self.list.push(number.to_owned());
        let id = self.list.len() as u32;
        self.ids.entry(number.to_owned()).or_insert(id);
        id
    }
}
