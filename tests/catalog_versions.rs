//! Catalogs of older versions are brought up to date when they are opened, and say what they said;
//! one of a later version is refused.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it owns its directories, and may panic"
)]

use std::path::PathBuf;

use doorstep::storage::catalog::Catalog;
use doorstep::storage::catalog::callbacks::CallbackCursor;
use doorstep::storage::catalog::change::{Change, DeliveryWrite, Kind, StoredCallback};
use doorstep::storage::catalog::notifications::NotificationSpan;
use rusqlite::Connection;

/// The files of `tests/catalogs`: name, version, whether it has a secret, a tracker, a location.
const KEPT: [(&str, i64, [bool; 3]); 5] = [
    ("version_1", 1, [false, false, false]),
    ("version_1_secrets", 1, [true, false, false]),
    ("version_2", 2, [true, true, true]),
    ("version_2_firsts", 2, [true, true, true]),
    ("version_3", 3, [true, true, true]),
];

#[test]
fn every_version_is_read_and_written_on() {
    for (name, version, [has_secret, has_tracker, has_location]) in KEPT {
        let directory = Directory::of(name);
        assert_eq!(directory.version(), version, "{name}");
        let mut catalog = Catalog::open(&directory.0).unwrap();
        assert_eq!(catalog.applied().unwrap(), 42, "{name}");
        assert_eq!(catalog.last_id(Kind::Order).unwrap(), 2, "{name}");
        let order = catalog.document(Kind::Order, 1).unwrap().unwrap();
        assert_eq!((order.parent, &order.shared_with[..]), (Some(1), &[2][..]), "{name}");
        assert_eq!(order.text("customer_name"), Some("Bo"), "{name}");
        assert_eq!(order.body.contains_key("tracker"), has_tracker, "{name}");
        assert!(catalog.document(Kind::Order, 2).unwrap().is_none(), "{name}: it was deleted");
        assert_eq!(catalog.company_by_number("second").unwrap().unwrap().id, 2, "{name}");
        assert_eq!(catalog.silent_couriers().unwrap().len(), 1, "{name}");
        assert_eq!(catalog.secret().unwrap().is_some(), has_secret, "{name}");
        let tokens = catalog.tokens_of(1, 0, 10).unwrap();
        assert_eq!(tokens.len(), 2 + usize::from(has_location), "{name}");
        assert_eq!(tokens[0].hash, [1; 32], "{name}");
        assert_eq!(tokens.get(2).and_then(|token| token.depot).is_some(), has_location, "{name}");
        assert_eq!(catalog.first_notified(1, "nearby").unwrap(), Some(1_777_881_600_000));
        let span =
            NotificationSpan { company: 2, from_ms: 0, to_ms: i64::MAX, skipped: 0, page_max: 10 };
        assert_eq!(catalog.notifications(&span).unwrap().len(), 1, "{name}: shared");
        write(&mut catalog, name);
        drop(catalog);
        assert_eq!(directory.version(), KEPT[KEPT.len() - 1].1, "{name}");
        let again = Catalog::open(&directory.0).unwrap();
        assert_eq!(again.applied().unwrap(), 44, "{name}");
    }
}

/// What only the newest version knows.
fn write(catalog: &mut Catalog, name: &str) {
    let callback = StoredCallback {
        company: 1,
        url: "https://example.com/".to_owned(),
        secret: "a secret".to_owned().into(),
        created_ms: 1,
    };
    assert!(!format!("{callback:?}").contains("a secret"));
    catalog.apply(43, &[Change::PutCallback(callback.clone())]).unwrap();
    assert_eq!(catalog.callbacks().unwrap(), [callback], "{name}");
    let written = DeliveryWrite { place: 0, order: 1, company: 1, is_new: true, at_ms: 5 };
    catalog.apply(44, &[Change::NoteDelivery(written)]).unwrap();
    let writes = catalog.delivery_writes(0, 10).unwrap();
    let [(id, write)] = writes[..] else { panic!("{name}: {writes:?}") };
    assert_eq!(write, DeliveryWrite { place: 44, ..written }, "{name}");
    let cursor = CallbackCursor { feed: 9, write: id };
    catalog.queue_callbacks(&[], cursor, 10).unwrap();
    assert_eq!(catalog.callback_cursor().unwrap(), cursor, "{name}");
    assert_eq!(catalog.delivery_writes(0, 10).unwrap(), [], "{name}");
}

#[test]
fn a_later_version_is_refused() {
    let directory = Directory::of("version_3");
    let file = Connection::open(directory.file()).unwrap();
    file.pragma_update(None, "user_version", 1_000).unwrap();
    drop(file);
    let refused = Catalog::open(&directory.0).unwrap_err().to_string();
    assert!(refused.contains("1000"), "{refused}");
}

/// A directory with a copy of a kept file, gone with it.
struct Directory(PathBuf);

impl Directory {
    fn of(name: &str) -> Self {
        let of_test = format!("doorstep-catalog-{}-{name}-{:?}", std::process::id(), thread());
        let path = std::env::temp_dir().join(of_test);
        std::fs::create_dir_all(&path).unwrap();
        let kept = format!("{}/tests/catalogs/{name}.sqlite", env!("CARGO_MANIFEST_DIR"));
        let directory = Self(path);
        std::fs::copy(kept, directory.file()).unwrap();
        directory
    }

    fn file(&self) -> PathBuf {
        self.0.join("catalog.sqlite")
    }

    fn version(&self) -> i64 {
        let file = Connection::open(self.file()).unwrap();
        file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }
}

fn thread() -> std::thread::ThreadId {
    std::thread::current().id()
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left is the system's to tidy.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
