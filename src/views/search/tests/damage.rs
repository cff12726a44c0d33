//! What is not whole, or not ours, is thrown away and told.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A folder with an index of a few segments, some people replaced.
fn filled() -> TempDir {
    let index = Index::new();
    let person = |root: u32| Doc { traits: vec![("n".to_owned(), root.to_string())], ..named(root, "Ada") };
    for round in 0..3u32 {
        (0..30).for_each(|root| index.search.put(person(30 * round + root)));
        (0..3).for_each(|root| index.search.put(person(root))); // some files say who was replaced
        index.search.commit(Sequence::new(u64::from(round) + 2)).unwrap();
    }
    index.search.close().unwrap();
    index.folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !path.to_string_lossy().ends_with(".lock"));
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// Opens a folder whose files were harmed: either it is noticed and empty, or it is as it was.
fn judge(folder: &Path, what: &str) -> bool {
    let (search, through) = Search::open(folder, 0).unwrap();
    let people = search.count(&everybody()).unwrap();
    match through {
        Some(through) => assert_eq!((through, people), (Sequence::new(4), 90), "{what}"),
        None => assert_eq!(people, 0, "{what}"),
    }
    search.put(named(1, "Grace"));
    search.commit(Sequence::new(9)).unwrap();
    assert_eq!(search.count(&Filter { text: Some("grace".to_owned()), ..everybody() }).unwrap(), 1, "{what}");
    through.is_none()
}

#[test]
fn damage_to_any_file_is_noticed() {
    let good = filled();
    let good = good.path().join("search");
    let all = files(&good);
    assert!(all.len() > 10, "{all:?}");
    assert!(!judge_copy(&good, |_| {}, "untouched"));
    for file in all {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name == ".managed.json" {
            continue; // the list of files to clean up: judged below
        }
        let length = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
        for at in [0, length / 2, length - 1] {
            let harm = |folder: &Path| {
                let mut bytes = fs::read(folder.join(&name)).unwrap();
                bytes[at] ^= 0x20;
                fs::write(folder.join(&name), bytes).unwrap();
            };
            let is_noticed = judge_copy(&good, harm, &format!("byte {at} of {length} of {name}"));
            assert!(is_noticed || name == "meta.json", "byte {at} of {length} of {name}");
        }
        let cut = |folder: &Path| fs::write(folder.join(&name), &fs::read(&file).unwrap()[..length / 2]).unwrap();
        assert!(judge_copy(&good, cut, &format!("{name} cut")));
        let empty = |folder: &Path| fs::write(folder.join(&name), "").unwrap();
        assert!(judge_copy(&good, empty, &format!("{name} empty")));
        let missing = |folder: &Path| fs::remove_file(folder.join(&name)).unwrap();
        assert!(judge_copy(&good, missing, &format!("{name} missing")));
    }
    for text in ["", "[", "{}", "[]"] {
        judge_copy(&good, |folder| fs::write(folder.join(".managed.json"), text).unwrap(), ".managed.json");
    }
}

fn judge_copy(good: &Path, harm: impl FnOnce(&Path), what: &str) -> bool {
    let place = TempDir::new().unwrap();
    copy(good, place.path());
    harm(place.path());
    judge(place.path(), what)
}

#[test]
fn another_version_is_thrown_away() {
    let good = filled();
    let good = good.path().join("search");
    for (from, to) in [
        ("search 3 through 4", "search 2 through 4"),
        ("search 3 through 4", "search 3 through four"),
        ("search 3 through 4", ""),
        ("search 3 through 4", "search 3 through 5"),
        ("\"max_doc\": 33", "\"max_doc\": 32"),
        ("\"max_doc\": 33", "\"max_doc\": 34"),
        ("\"name\": \"fact\"", "\"name\": \"fakt\""),
    ] {
        let change = |folder: &Path| {
            let path = folder.join("meta.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(path, text.replace(from, to)).unwrap();
        };
        assert!(judge_copy(&good, change, to));
    }
}

#[test]
fn strange_files_in_the_folder_do_not_stop_it() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("meta.json"), "not ours").unwrap();
    fs::create_dir(place.path().join("deep")).unwrap();
    assert!(judge(place.path(), "strange files"));
}
