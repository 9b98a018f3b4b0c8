//! Every path and method in a table: what it asks for, what it gives, how it refuses. A path that is
//! served and has no row here fails a test, and so does a row that is not served.

mod own;
mod track_and_trace;
mod views;

/// One path and method.
pub(super) struct Operation {
    /// In lower case.
    pub(super) method: &'static str,
    /// With its parameters in braces.
    pub(super) path: &'static str,
    /// Unique.
    pub(super) id: &'static str,
    /// In a few words.
    pub(super) summary: &'static str,
    /// Where it belongs: decides the form of refusals.
    pub(super) room: Room,
    /// The body.
    pub(super) asks: Ask,
    /// The good answer.
    pub(super) gives: Give,
    /// The statuses of other answers; with 401 it wants a token.
    pub(super) refuses: &'static [u16],
    /// Names of what stands in the query, or in a header of its own.
    pub(super) parameters: &'static [&'static str],
}

/// Who answers.
#[derive(Clone, Copy)]
pub(super) enum Room {
    TrackAndTrace,
    Deliveries,
    Tracker,
    Native,
    Operation,
    Page,
}

/// A body that is asked for, by the name of its schema.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    Nothing,
    One(&'static str),
    List(&'static str),
}

/// A good answer, by the name of its schema.
#[derive(Clone, Copy)]
pub(super) enum Give {
    /// 200 with one object.
    One(&'static str),
    /// 201 with one object.
    Made(&'static str),
    /// 200 with a list.
    List(&'static str),
    /// 200 with text of one of these types.
    Text(&'static [&'static str]),
    /// 204.
    Nothing,
}

/// Every row.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    track_and_trace::ROWS.iter().chain(views::ROWS).chain(own::ROWS)
}

impl Operation {
    /// Whether `If-Match` is heeded.
    pub(super) fn heeds_versions(&self) -> bool {
        self.refuses.contains(&412) && matches!(self.room, Room::TrackAndTrace)
    }

    /// Whether the answer has an `ETag`.
    pub(super) fn has_tag(&self) -> bool {
        self.id == "readOrder" || self.heeds_versions() && self.method == "patch"
    }

    /// Whether what it gives is for people.
    pub(super) fn gives_page(&self) -> bool {
        matches!(self.gives, Give::Text(kinds) if kinds.contains(&"text/html"))
    }
}

const NONE: &[u16] = &[];
const READ: &[u16] = &[401, 403, 404, 429, 500, 503, 504];
const LIST: &[u16] = &[401, 403, 404, 422, 429, 500, 503, 504];
/// Of the caller's own company, which is there.
const LIST_OWN: &[u16] = &[401, 403, 422, 429, 500, 503, 504];
const POST: &[u16] = &[400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503, 504];
const POST_OWN: &[u16] = &[400, 401, 403, 408, 409, 413, 422, 429, 500, 503, 504];
const PATCH: &[u16] = &[400, 401, 403, 404, 408, 412, 413, 422, 429, 500, 503, 504];
const PUT: &[u16] = &[400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 504];
const PUT_OWN: &[u16] = &[400, 401, 403, 408, 413, 422, 429, 500, 503, 504];
const DELETE: &[u16] = &[400, 401, 403, 404, 412, 422, 429, 500, 503, 504];
