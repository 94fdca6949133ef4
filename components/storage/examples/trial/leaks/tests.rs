//! Every kind of leak is seen before the profile is opened, and is gone after it.

use super::*;

/// A new profile that was closed.
fn profile(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let profile = folder.path().join("profile");
    drop(ProfileStorage::open(&profile, Options::default()).unwrap());
    profile
}

/// Changes its database.
fn run(profile: &Path, statements: &str) {
    let database = Connection::open(profile.join("database.sqlite3")).unwrap();
    database.execute_batch(statements).unwrap();
}

const BODY: &str = "INSERT INTO body (id, in_file, length, data) VALUES";
const FETCH: &str =
    "INSERT INTO fetch VALUES (1, 'k', 's', x'', x'', '[]', 0, 0, '{}', 0, 'active', '', '', '');";
const RECORD: &str = "INSERT INTO record (fetch, place, request, response_body) VALUES";

#[test]
fn nothing_leaks_where_everything_belongs_to_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(&folder);
    assert_eq!(Look::at(&profile).unwrap().left_over(Some(0)), None);
    run(
        &profile,
        &format!("{FETCH} {BODY} (7, 1, 4, x''); {RECORD} (1, 0, '{{}}', 7)"),
    );
    fs::write(profile.join("bodies/7"), "four").unwrap();
    let look = Look::at(&profile).unwrap();
    assert_eq!((look.rows, look.files, look.bytes), (3, 1, 4));
    assert_eq!(look.wrong(Some(4)), None);
    assert!(look.left_over(Some(4)).unwrap().starts_with("left over"));
}

#[test]
fn every_leak_is_seen() {
    for (statements, file, sentence) in [
        ("", "bodies/9", "the file bodies/9 belongs to no body"),
        ("", "bodies/nine", "the file bodies/nine belongs to no body"),
        ("", "journal", "the file journal is nothing of a profile"),
        (
            &*format!("{BODY} (9, 0, 0, x'')"),
            "",
            "the row of body 9 belongs to no record",
        ),
        // A file is only that of a body which is in a file.
        (
            &*format!("{FETCH} {BODY} (9, 0, 0, x''); {RECORD} (1, 0, '{{}}', 9)"),
            "bodies/9",
            "the file bodies/9 belongs to no body",
        ),
        (
            &*format!("{RECORD} (5, 0, '{{}}', NULL)"),
            "",
            "1 records belong to no background fetch",
        ),
        (
            &*format!("{FETCH} {BODY} (9, 0, 0, x''); {RECORD} (1, 0, '{{}}', 9), (1, 1, '{{}}', 9)"),
            "",
            "body 9 belongs to 2 records",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let profile = profile(&folder);
        run(&profile, statements);
        if !file.is_empty() {
            fs::write(profile.join(file), "nobody's").unwrap();
        }
        let look = Look::at(&profile).unwrap();
        assert_eq!(look.leaks, [sentence]);
        assert!(look.wrong(None).is_some() && look.left_over(None).is_some());
    }
}

#[test]
fn a_byte_that_is_counted_and_not_there_is_a_leak() {
    let look = Look::default();
    assert_eq!(look.left_over(Some(0)), None);
    assert!(look.left_over(Some(1)).unwrap().contains("1 bytes are counted"));
}

#[test]
fn the_file_of_a_pack_belongs_to_the_bodies_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(&folder);
    if !has_packs(&profile) {
        run(
            &profile,
            "ALTER TABLE body ADD COLUMN pack INTEGER; ALTER TABLE body ADD COLUMN place INTEGER;",
        );
    }
    run(
        &profile,
        &format!(
            "{FETCH} {BODY} (7, 0, 4, x''); {RECORD} (1, 0, '{{}}', 7); UPDATE body SET pack = 3, place = 6"
        ),
    );
    fs::write(profile.join("bodies/3"), "other four").unwrap();
    assert_eq!(Look::at(&profile).unwrap().wrong(Some(4)), None);
    // Without them it is nobody's.
    run(&profile, "UPDATE body SET pack = NULL");
    assert_eq!(
        Look::at(&profile).unwrap().leaks,
        ["the file bodies/3 belongs to no body"]
    );
}

fn has_packs(profile: &Path) -> bool {
    let (_folder, database) = copied_database(profile).unwrap().unwrap();
    database.prepare("SELECT pack FROM body").is_ok()
}

#[test]
fn what_is_planted_is_seen_and_swept() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(&folder);
    assert_eq!(plant(&profile).unwrap(), None);
    assert_eq!(Look::at(&profile).unwrap().leaks.len(), Leak::ALL.len());
    let swept = open_a_copy(&profile, "boot", false).unwrap();
    assert_eq!((swept.leaks, swept.wrong), (Leak::ALL.len(), None));
    // It can be done with what has no database yet, too.
    let empty = folder.path().join("empty");
    assert_eq!(open_a_copy(&empty, "boot", true).unwrap().wrong, None);
    // What opening does not sweep is found after it.
    fs::write(profile.join("bodies/of-nobody"), "nobody's").unwrap();
    let wrong = open_a_copy(&profile, "boot", false).unwrap().wrong.unwrap();
    assert!(wrong.contains("after it was opened again"), "{wrong}");
}
