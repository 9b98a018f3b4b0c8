//! Who is in which cell of a fixed grid: cells of a power of two in units of 1e-7 degrees, each the
//! head of a chain through the slots. Knows no distances.

use core::ops::RangeInclusive;
use std::collections::BTreeMap;

use super::bounds::Bounds;
use crate::domain::geo::Point;

/// A cell: its row from the south pole in the upper half, its column from the antimeridian in the
/// lower one, so that the cells of a row between two columns are a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell(u32);

impl Cell {
    /// The cell of a point.
    #[inline]
    pub const fn of(point: Point) -> Self {
        Self::at(row(point.lat_e7()), column(point.lon_e7()))
    }

    /// Beyond all cells.
    const LAST: Self = Self(u32::MAX);

    const fn at(row: u32, column: u32) -> Self {
        Self(row << COLUMN_BITS | column)
    }

    const fn row(self) -> u32 {
        self.0 >> COLUMN_BITS
    }

    const fn column(self) -> u32 {
        self.0 & ((1 << COLUMN_BITS) - 1)
    }
}

/// The slots in every cell that has some.
#[derive(Debug, Default)]
pub struct Cells {
    heads: BTreeMap<Cell, u32>,
    links: Vec<Link>,
    len: usize,
}

/// A slot's neighbours in the chain of its cell, or [`NONE`].
#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

impl Cells {
    /// Number of slots in cells.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Puts a slot that is in no cell into one.
    pub fn insert(&mut self, slot: u32, cell: Cell) {
        let at = slot as usize;
        if self.links.len() <= at {
            self.links.resize(at + 1, Link { before: NONE, after: NONE });
        }
        let after = self.heads.insert(cell, slot).unwrap_or(NONE);
        self.links[at] = Link { before: NONE, after };
        if after != NONE {
            self.links[after as usize].before = slot;
        }
        self.len += 1;
    }

    /// Takes a slot out of its cell.
    ///
    /// # Panics
    /// If it heads no chain in that cell and has nobody before it: it is in another one.
    pub fn remove(&mut self, slot: u32, cell: Cell) {
        let Link { before, after } = self.links[slot as usize];
        if after != NONE {
            self.links[after as usize].before = before;
        }
        if before != NONE {
            self.links[before as usize].after = after;
        } else if after != NONE {
            *self.heads.get_mut(&cell).expect("a slot without one before it heads its cell") =
                after;
        } else {
            let head = self.heads.remove(&cell);
            assert_eq!(head, Some(slot), "the last slot of a cell heads it");
        }
        self.len -= 1;
    }

    /// Shows every slot in the cells that bounds touch, each once.
    pub fn each_in(&self, bounds: &Bounds, mut show: impl FnMut(u32)) {
        let (south, north) = (row(bounds.south_e7), row(bounds.north_e7));
        for columns in columns(bounds).into_iter().filter(|columns| !columns.is_empty()) {
            let (west, east) = columns.into_inner();
            let mut from = Cell::at(south, west);
            let to = Cell::at(north, east);
            while from <= to {
                from = self.each_of_run(from..=to, west..=east, &mut show);
            }
        }
    }

    /// Shows the slots of the cells of a range up to the first one outside the columns. Where to
    /// go on: rows without cells are passed over.
    fn each_of_run(
        &self,
        range: RangeInclusive<Cell>,
        columns: RangeInclusive<u32>,
        show: &mut impl FnMut(u32),
    ) -> Cell {
        for (&cell, &head) in self.heads.range(range) {
            if cell.column() < *columns.start() {
                return Cell::at(cell.row(), *columns.start());
            }
            if cell.column() > *columns.end() {
                return Cell::at(cell.row() + 1, *columns.start());
            }
            let mut slot = head;
            while slot != NONE {
                show(slot);
                slot = self.links[slot as usize].after;
            }
        }
        Cell::LAST
    }
}

/// The columns that bounds touch, as at most two ranges that share none. A point on the
/// antimeridian counts on both of its sides.
fn columns(bounds: &Bounds) -> [RangeInclusive<u32>; 2] {
    let (west, east) = (column(bounds.west_e7), column(bounds.east_e7));
    let last = column(ANTIMERIDIAN_E7);
    let none = RangeInclusive::new(1, 0);
    if bounds.west_e7 > bounds.east_e7 {
        return if west <= east { [0..=last, none] } else { [west..=last, 0..=east] };
    }
    let opposite = if bounds.east_e7 == ANTIMERIDIAN_E7 && west > 0 {
        0..=0
    } else if bounds.west_e7 == -ANTIMERIDIAN_E7 && east < last {
        last..=last
    } else {
        none
    };
    [west..=east, opposite]
}

const fn row(lat_e7: i32) -> u32 {
    (lat_e7 + POLE_E7).cast_unsigned() >> CELL_BITS
}

const fn column(lon_e7: i32) -> u32 {
    lon_e7.wrapping_add(ANTIMERIDIAN_E7).cast_unsigned() >> CELL_BITS
}

const NONE: u32 = u32::MAX;
/// A cell is 2^17 units of 1e-7 degrees high and wide: 1,459 m of latitude. Smaller ones are left
/// more often, larger ones hold more couriers that a query passes over.
const CELL_BITS: u32 = 17;
/// Columns are numbers under 2^15.
const COLUMN_BITS: u32 = 16;
const POLE_E7: i32 = 900_000_000;
const ANTIMERIDIAN_E7: i32 = 1_800_000_000;
