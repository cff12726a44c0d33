//! Search over people: how fast they are put, how large the index is, and how long each kind of question takes.
//!
//! `ROUNDTOWER_PEOPLE` says how many (20,000 without it; 1,000,000 is what the figures in the house are for). They are
//! put once, in the order of a rebuild, with a commit at every 50,000. Before criterion's figures come the rate, the
//! bytes on disk, the resident memory and the 99th percentile of every question, all on standard output.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![expect(clippy::indexing_slicing, reason = "lists of known length")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
#![expect(clippy::print_stdout, reason = "figures that criterion does not take are printed")]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use roundtower::journal::Sequence;
use roundtower::views::identity::NodeNo;
use roundtower::views::search::{Anonymous, Computed, Doc, Filter, Search, SortBy, Test};
use roundtower::views::state::Class;

const COMMIT_EVERY: u32 = 50_000;
const MEMORY_BYTES: usize = 64 << 20;
const FIRST: [&str; 12] =
    ["Anna", "Björn", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hiroshi", "Inés", "Jamal", "Kateryna", "Liam"];
const LAST: [&str; 10] =
    ["Smith", "Müller", "Tanaka", "García", "Okafor", "Nguyen", "Kowalski", "Rossi", "Haddad", "Johansson"];
const PLANS: [&str; 4] = ["free", "starter", "pro", "enterprise"];

/// A person with two or three ids and twelve traits. Every number gives the same one again.
fn person(number: u32) -> Doc {
    let mixed = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let of = |shift: u32, count: u64| usize::try_from((mixed >> shift) % count).unwrap();
    let (first, last) = (FIRST[of(3, 12)], LAST[of(9, 10)]);
    let known = number % 10 < 7;
    let email = format!("{}.{}{number}@mail{}.example.com", first.to_lowercase(), last.to_lowercase(), of(13, 20));
    let mut ids = vec![format!("{mixed:016x}-{number:08x}-anonymous")];
    if known {
        ids.push(format!("user_{number}"));
    }
    let text = |text: String| format!("\"{text}\"");
    let traits = [
        ("plan", text(PLANS[of(17, 4)].to_owned())),
        ("age", (18 + of(21, 60)).to_string()),
        (
            "created_at",
            text(format!(
                "20{:02}-{:02}-{:02}T{:02}:{:02}:07.{:03}Z",
                15 + of(2, 11),
                1 + of(7, 12),
                1 + of(11, 28),
                of(15, 24),
                of(19, 60),
                of(23, 1_000)
            )),
        ),
        ("logins", of(5, 5_000).to_string()),
        ("revenue", format!("{}.{:02}", of(27, 100_000), of(31, 100))),
        ("city", text(format!("City {}", of(33, 800)))),
        ("country", text(format!("C{}", of(35, 150)))),
        ("company", text(format!("Company {}", of(37, 20_000)))),
        ("newsletter", mixed.is_multiple_of(2).to_string()),
        ("address", format!(r#"{{"street":"{} Long Road","postalCode":"{:05}"}}"#, of(39, 900), of(41, 99_999))),
        ("tags", format!(r#"["t{}","t{}"]"#, of(43, 50), of(45, 50))),
        ("title", text("Engineer".to_owned())),
    ];
    let audience = |each: usize, key: &str| {
        of(47, 1_000).is_multiple_of(each).then(|| Computed {
            key: key.to_owned(),
            class: Class::Audience,
            is_member: true,
        })
    };
    Doc {
        root: NodeNo(number),
        name: known.then(|| format!("{first} {last}")),
        email: known.then_some(email),
        phone: number.is_multiple_of(3).then(|| format!("+44 20 {:08}", of(1, 100_000_000))),
        ids,
        traits: traits.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        computed: [audience(5, "big_spenders"), audience(100, "about_to_leave")].into_iter().flatten().collect(),
        known,
        complete: known,
    }
}

/// Resident memory: all, and without mapped files.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1_024
    };
    format!("memory {} MB, {} without files", of("VmRSS:"), of("RssAnon:"))
}

/// Milliseconds that this thread spent on a processor: what remains the same when others keep the machine busy.
fn thread_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e6
}

/// The same for the whole program, threads that have ended included: tantivy's end at every commit. Steps of 10 ms.
fn program_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap_or_default()).sum::<f64>() * 10.0
}

type Question = Box<dyn Fn(&Search) -> u64>;

fn questions(search: &Search, people: u32) -> Vec<(&'static str, Question)> {
    let all = || Filter { anonymous: Anonymous::Include, ..Filter::default() };
    let roots = |filter: Filter| -> Question { Box::new(move |search| search.roots(&filter).unwrap().len()) };
    let text = |text: &str| roots(Filter { text: Some(text.to_owned()), ..all() });
    let about = |key: &str, test: Test| roots(Filter { traits: vec![(key.to_owned(), test)], ..all() });
    let sorted = |filter: Filter, descending, after: Option<(Option<String>, NodeNo)>| -> Question {
        Box::new(move |search| {
            search.sorted(&filter, SortBy::Name, descending, after.clone(), 50).unwrap().len() as u64
        })
    };
    let deep = search.sorted(&Filter::default(), SortBy::Name, false, None, people as usize * 2 / 5).unwrap();
    let deep = deep.last().map(|(root, name)| (name.clone(), *root));
    let rare = format!("user_{}", people / 20 * 10 + 3);
    vec![
        ("text everywhere (@mail)", text("@mail")),
        ("text common (smith)", text("smith")),
        ("text one letter (e)", text("e")),
        ("text two letters (an)", text("an")),
        ("text three words", text("grace son 7")),
        ("text rare", text(&rare)),
        ("text nowhere", text("zzzqqq")),
        ("text of known people", roots(Filter { text: Some("smith".to_owned()), ..Filter::default() })),
        (
            "text in a small audience",
            roots(Filter { text: Some("smith".to_owned()), audience: Some("about_to_leave".to_owned()), ..all() }),
        ),
        ("trait equals, a quarter", about("plan", Test::Equals("pro".to_owned()))),
        ("trait equals, few", about("company", Test::Equals("Company 77".to_owned()))),
        ("trait time greater", about("created_at", Test::Greater("2019-07-05T11:30:00Z".to_owned()))),
        ("trait time less", about("created_at", Test::Less("2016-02".to_owned()))),
        ("trait number greater", about("revenue", Test::Greater("50000".to_owned()))),
        ("trait exists not", about("phone", Test::Exists(false))),
        ("audience, a fifth", roots(Filter { audience: Some("big_spenders".to_owned()), ..all() })),
        ("audiences", Box::new(|search| search.audiences().unwrap().len() as u64)),
        ("everybody", roots(all())),
        ("count of known people", Box::new(|search| search.count(&Filter::default()).unwrap())),
        ("sorted, first page", sorted(Filter::default(), false, None)),
        ("sorted, deep page", sorted(Filter::default(), false, deep)),
        ("sorted descending, text", sorted(Filter { text: Some("an".to_owned()), ..all() }, true, None)),
        ("by email", Box::new(|search| search.by_email("nobody@mail3.example.com").unwrap().len() as u64)),
    ]
}

/// Median and 99th percentile, the mean on a processor, and the hits.
fn p99(search: &Search, question: &Question) -> (f64, f64, f64, u64) {
    let mut times = Vec::new();
    let mut hits = question(search);
    let (began, cpu) = (Instant::now(), thread_ms());
    while times.len() < 300 && (times.len() < 100 || began.elapsed().as_secs() < 5) {
        let start = Instant::now();
        hits = black_box(question(search));
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    let cpu = (thread_ms() - cpu) / times.len() as f64;
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100], cpu, hits)
}

/// Puts everybody, says what it took, and opens the index again.
fn filled(folder: &Path, people: u32) -> Search {
    let (search, _) = Search::open(folder, MEMORY_BYTES).unwrap();
    let (began, cpu) = (Instant::now(), program_ms());
    for number in 0..people {
        search.put(person(number));
        if number % COMMIT_EVERY == COMMIT_EVERY - 1 {
            search.commit(Sequence::new(u64::from(number) + 2)).unwrap();
        }
    }
    search.commit(Sequence::new(u64::from(people) + 1)).unwrap();
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), (program_ms() - cpu) / 1_000.0);
    let rate = f64::from(people) / seconds;
    println!(
        "put {people} people in {seconds:.1} s, {cpu:.1} of them on a processor: {rate:.0} a second; {}",
        memory()
    );
    search.close().unwrap();
    let bytes: u64 = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    println!("merged after {:.1} s; {} bytes a person", began.elapsed().as_secs_f64(), bytes / u64::from(people));
    let began = Instant::now();
    let (search, through) = Search::open(folder, MEMORY_BYTES).unwrap();
    assert_eq!(through, Some(Sequence::new(u64::from(people) + 1)));
    println!("opened and checked in {:.2} s; {}", began.elapsed().as_secs_f64(), memory());
    search
}

/// What a running server does: a thousand people change between two commits.
fn changes(search: &Search, people: u32) {
    let cpu = program_ms();
    let mut commits = Vec::new();
    for round in 0..40u32 {
        for change in 0..1_000u32 {
            search.put(person((change.wrapping_mul(7_919) + round * 104_729) % people));
        }
        let began = Instant::now();
        search.commit(Sequence::new(u64::from(people) + 2 + u64::from(round))).unwrap();
        commits.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    commits.sort_by(f64::total_cmp);
    let cpu = (program_ms() - cpu) / 40.0;
    println!("1,000 changes: commit p50 {:.0} ms, longest {:.0} ms; all CPU {cpu:.0} ms", commits[20], commits[39]);
}

fn everything(criterion: &mut Criterion) {
    let people: u32 = std::env::var("ROUNDTOWER_PEOPLE").map_or(20_000, |number| number.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let search = filled(&place.path().join("search"), people);
    let questions = questions(&search, people);
    println!("{:<28} {:>10} {:>10} {:>10} {:>10}", "question", "p50 ms", "p99 ms", "CPU ms", "hits");
    for (name, question) in &questions {
        let (p50, p99, cpu, hits) = p99(&search, question);
        println!("{name:<28} {p50:>10.3} {p99:>10.3} {cpu:>10.3} {hits:>10}");
    }
    println!("{}", memory());
    changes(&search, people);

    let mut group = criterion.benchmark_group("search");
    group.sample_size(10);
    for (name, question) in &questions {
        group.bench_function(*name, |bencher| bencher.iter(|| question(&search)));
    }
    group.bench_function("put", |bencher| {
        let mut number = 0;
        bencher.iter(|| {
            number = (number + 1) % people;
            search.put(person(number));
        });
    });
    group.finish();
}

criterion_group!(benches, everything);
criterion_main!(benches);
