//! Draws a story: choice by choice, from a seed or from bytes.

use background_fetch::embedder::{MeteredPolicy, PermissionState, StorageErrorKind};

use super::{File, Habit, Setting, Step, Story, Target, Trouble, Validator, Version};
use crate::{Random, Ranges, StorageOperation, UploadTrouble};

/// Where the choices of a story come from.
pub struct Choices<'a>(Source<'a>);

enum Source<'a> {
    Seed(Random),
    Bytes(&'a [u8]),
}

/// The files of a story, at most.
const FILES: u64 = 4;
/// The steps of most stories, at most.
const STEPS: u64 = 16;
/// The steps of a long one.
const MANY_STEPS: u64 = 48;
/// The ids of a registration.
const IDS: u64 = 3;

impl<'a> Choices<'a> {
    /// The choices of a seed.
    pub fn of_seed(seed: u64) -> Self {
        Self(Source::Seed(Random::new(seed)))
    }

    /// The choices that bytes stand for; 0 when they are used up.
    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        Self(Source::Bytes(bytes))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        match &mut self.0 {
            Source::Seed(random) => random.below(bound),
            Source::Bytes(bytes) => {
                // One byte where it is enough, so that a mutation moves little.
                let width = if bound <= 256 { 1 } else { 2 };
                let (taken, rest) = bytes.split_at(width.min(bytes.len()));
                *bytes = rest;
                let number = taken
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte));
                number % bound
            }
        }
    }

    fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        // What is rarer is what bytes that are used up do not choose.
        denominator - 1 - self.below(denominator) < numerator
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// Whether anything is left to choose from.
    fn is_left(&self) -> bool {
        !matches!(self.0, Source::Bytes([]))
    }
}

impl Story {
    /// Draws a story.
    pub fn draw(choices: &mut Choices<'_>) -> Self {
        let schedule = choices.below(1 << 16);
        let setting = Setting::draw(choices);
        let files: Vec<_> = (0..1 + choices.below(FILES))
            .map(|_| File::draw(choices))
            .collect();
        let calm = choices.chance(1, 3);
        let count = 1 + match choices.chance(1, 8) {
            true => choices.below(MANY_STEPS),
            false => choices.below(STEPS),
        };
        let mut steps = vec![Step::draw_fetch(choices, &files)];
        for _ in 0..count {
            if !choices.is_left() {
                break;
            }
            steps.push(Step::draw(choices, &files, calm));
            steps.extend(Step::draw_wait(choices));
        }
        Self {
            schedule,
            setting,
            files,
            steps,
        }
    }
}

/// Every sequence of bytes is a story.
#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Story {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let length = input.len();
        Ok(Self::of_bytes(input.bytes(length)?))
    }

    fn arbitrary_take_rest(input: arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self::of_bytes(input.take_rest()))
    }
}

impl Setting {
    fn draw(choices: &mut Choices<'_>) -> Self {
        Self {
            quota: choices.chance(1, 5).then(|| 1000 + choices.below(4000)),
            permission: match choices.below(12) {
                11 => PermissionState::Prompt,
                10 if choices.chance(1, 4) => PermissionState::Denied,
                _ => PermissionState::Granted,
            },
            metered: match choices.chance(1, 4) {
                true => MeteredPolicy::Pause,
                false => MeteredPolicy::Allow,
            },
            retries: choices.one_of(&[20, 20, 20, 5, 2]),
            uploads: choices.chance(1, 3).then(|| {
                let troubles = choices.below(4);
                (0..troubles).map(|_| draw_upload_trouble(choices)).collect()
            }),
            two_sites: choices.chance(1, 4),
        }
    }
}

impl File {
    fn draw(choices: &mut Choices<'_>) -> Self {
        let usual_length = choices.below(3000);
        let versions = 1 + choices.below(6) / 3 + choices.below(6) / 5;
        Self {
            versions: (0..versions)
                .map(|_| Version::draw(choices, usual_length))
                .collect(),
        }
    }
}

impl Version {
    fn draw(choices: &mut Choices<'_>, usual_length: u64) -> Self {
        // Versions of one length are told apart by their validators alone.
        let length = match choices.below(3) {
            0 | 1 => usual_length,
            _ => choices.below(3000),
        };
        let validator = choices.one_of(&[
            Validator::Strong,
            Validator::Strong,
            Validator::Strong,
            Validator::Date,
            Validator::Weak,
            Validator::None,
        ]);
        Self {
            length,
            validator,
            status: if choices.chance(1, 30) { 404 } else { 200 },
            ranges: match choices.chance(1, 5) {
                true => lies(choices),
                false => Ranges::Honoured,
            },
            range_cap: choices.chance(1, 5).then(|| 1 + choices.below(1000)),
            says_length: !choices.chance(1, 5),
            content_decoded: choices.chance(1, 12),
            redirects: choices.below(10).saturating_sub(7) as usize,
            chunk: 100 + choices.below(1000),
            chunk_delay: choices.below(30),
            latency: choices.below(100),
            troubles: (0..choices.below(9) / 2)
                .map(|_| Trouble::draw(choices))
                .collect(),
            requests: 1 + choices.below(4),
        }
    }
}

fn lies(choices: &mut Choices<'_>) -> Ranges {
    match choices.below(14) {
        0..=3 => Ranges::IgnoresValidator,
        4 => Ranges::Ignored,
        5 => Ranges::WrongFirst(choices.below(3000)),
        6 => Ranges::WrongTotal(choices.below(4000)),
        7 | 8 => Ranges::UnknownTotal,
        9 => Ranges::Overshoot(1 + choices.below(100)),
        10 => Ranges::NoProgress,
        11 => Ranges::NoContentRange,
        12 => Ranges::ContentRange(format!("bytes {}-*/?", choices.below(9))),
        _ => Ranges::NotSatisfiable,
    }
}

impl Trouble {
    fn draw(choices: &mut Choices<'_>) -> Self {
        let bytes = choices.below(2500);
        match choices.below(16) {
            0 => Self::None,
            1 | 2 => Self::Unreachable,
            3 => Self::Stall(bytes, choices.below(30)),
            4 => Self::StallForEver(bytes),
            5 => Self::Status(choices.one_of(&[503, 503, 429, 404, 500])),
            6 if choices.chance(1, 3) => Self::Garbage(bytes),
            _ => Self::Drop(bytes),
        }
    }
}

impl Step {
    fn draw_fetch(choices: &mut Choices<'_>, files: &[File]) -> Self {
        let target = draw_target(choices);
        let count = 1 + choices.below(3);
        let files_of_it: Vec<_> = (0..count)
            .map(|_| choices.below(files.len() as u64) as usize)
            .collect();
        let download_total = match choices.below(5) {
            4 => {
                let longest = |file: &usize| {
                    let lengths = files[*file].versions.iter().map(|version| version.length);
                    lengths.max().unwrap_or(0)
                };
                let sum: u64 = files_of_it.iter().map(longest).sum();
                sum * (50 + choices.below(80)) / 100
            }
            _ => 0,
        };
        Self::Fetch {
            target,
            files: files_of_it,
            download_total,
            upload: choices.chance(1, 8).then(|| choices.below(600)),
        }
    }

    /// One thing; in a calm story nobody aborts, clears or lets the storage fail, so that there is more that must succeed.
    fn draw(choices: &mut Choices<'_>, files: &[File], calm: bool) -> Self {
        let target = draw_target(choices);
        match choices.below(if calm { 33 } else { 57 }) {
            0..=3 => Self::draw_fetch(choices, files),
            4 | 5 => Self::Get(target),
            6 => Self::GetIds(target.registration),
            7 | 8 => Self::Read(target, choices.below(3) as usize),
            9 | 10 => Self::Pause(target),
            11..=14 => Self::Resume(target),
            15 | 16 => Self::Allow(target),
            17 => Self::Click(target),
            18 => Self::Dismiss(target),
            19 => Self::OpenPage,
            20 => Self::ClosePage,
            21 => Self::Offline,
            22 | 23 => Self::Online,
            24 => Self::Metered(choices.chance(1, 2)),
            25 | 26 => Self::Workers(match choices.below(7) {
                0 | 1 => Habit::Reads,
                2 => Habit::Slow(choices.below(100)),
                3 => Habit::Ignores,
                4 => Habit::NeverSettles,
                5 => Habit::Rejects,
                _ => Habit::UpdatesUi,
            }),
            27 => Self::WorkersFail(choices.below(4) as u32),
            28 | 29 => Self::Crash,
            30 => Self::Worker(target.registration, choices.chance(2, 3)),
            31 => Self::StorageIsSlow(
                choices.one_of(StorageOperation::ALL),
                choices.one_of(&[5, 50, 3000]),
            ),
            32 => Self::StorageIsMended,
            33 | 34 => Self::Abort(target),
            35 => Self::UserAborts(target),
            36 => Self::Refuse(target),
            37 | 38 => Self::LoseConnections,
            39 | 40 => Self::Clear(target.registration),
            41..=43 => Self::Crash,
            44 => Self::Restart,
            45 => Self::Permission(choices.one_of(&[
                PermissionState::Granted,
                PermissionState::Prompt,
                PermissionState::Denied,
            ])),
            46 | 47 => {
                // One that cannot be opened cannot be told of, nor one in which a clearing is begun for ever.
                let all = StorageOperation::ALL;
                let lasting = all.iter().copied().filter(|one| *one != StorageOperation::Load);
                let lasting: Vec<_> = lasting.collect();
                let kind = choices.one_of(&[StorageErrorKind::Io, StorageErrorKind::QuotaExceeded]);
                Self::StorageFailsOn(choices.one_of(&lasting), kind)
            }
            48..=50 => {
                let kind = choices.one_of(&[StorageErrorKind::Io, StorageErrorKind::QuotaExceeded]);
                Self::StorageFails {
                    operation: choices.one_of(StorageOperation::ALL),
                    nth: 1 + choices.below(4) as usize,
                    kind,
                    after_effect: choices.chance(1, 3),
                }
            }
            _ => Self::Resume(target),
        }
    }

    /// How far it all comes before the next step.
    fn draw_wait(choices: &mut Choices<'_>) -> Option<Self> {
        match choices.below(6) {
            0 => None,
            1 | 2 => Some(Self::Turns(1 + choices.below(40))),
            3 => Some(Self::Settle),
            _ => {
                let root = choices.below(200);
                Some(Self::Pass(root * root / 10))
            }
        }
    }
}

fn draw_upload_trouble(choices: &mut Choices<'_>) -> UploadTrouble {
    let after = choices.below(600);
    match choices.below(10) {
        0 => UploadTrouble::None,
        1 => UploadTrouble::DropAndLose {
            after,
            lost: choices.below(200),
        },
        2 => UploadTrouble::Stall(after),
        3 => UploadTrouble::LoseAnswer,
        4 => UploadTrouble::Refuse(choices.one_of(&[503, 409, 404])),
        _ => UploadTrouble::Drop(after),
    }
}

fn draw_target(choices: &mut Choices<'_>) -> Target {
    Target {
        registration: usize::from(choices.chance(1, 4)),
        id: choices.below(IDS) as usize,
    }
}
