//! [`Kills`]: at which write points processes were killed, and [`Due`]: where one is to be killed next.

use std::collections::BTreeMap;
use std::path::Path;

use background_fetch_sim::Random;
use background_fetch_storage::write_points::{Point, Step};

use crate::Trouble;

/// So many kills reach every point, many times over: with as many, one that none reached is a mistake of the trial, or
/// a point that nothing passes any more.
pub(super) const ENOUGH: u64 = 1000;

/// How often a process was killed at each point.
#[derive(Default)]
pub(super) struct Kills(BTreeMap<Point, u64>);

impl Kills {
    pub(super) fn add(&mut self, point: Point) {
        *self.0.entry(point).or_default() += 1;
    }

    pub(super) fn at(&self, point: Point) -> u64 {
        self.0.get(&point).copied().unwrap_or(0)
    }

    pub(super) fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// Fails where there were enough kills, and a point that none reached.
    pub(super) fn check(&self, kills: u64) -> Result<(), Trouble> {
        let missed: Vec<String> = Point::all()
            .filter(|point| self.at(*point) == 0)
            .map(|point| point.to_string())
            .collect();
        if missed.is_empty() {
            return Ok(());
        }
        let missed = missed.join(", ");
        if kills < ENOUGH {
            println!("Not reached by so few kills ({ENOUGH} are enough): {missed}.");
            return Ok(());
        }
        Err(format!("WRONG: none of {kills} kills was at {missed}").into())
    }
}

/// The points to kill at.
#[derive(Default)]
pub(super) struct Due {
    /// Those that come first stand at the end.
    points: Vec<Point>,
    rounds: u64,
}

/// What the next life finds.
pub(super) struct Scene {
    /// No database.
    is_new: bool,
    /// A machine that was restarted.
    restarted: bool,
}

impl Scene {
    pub(super) fn of(profile: &Path, restarted: bool) -> Self {
        Self {
            is_new: !profile.join("database.sqlite3").exists(),
            restarted,
        }
    }
}

impl Due {
    /// Where to kill next.
    pub(super) fn next(&mut self, kills: &Kills, random: &mut Random) -> Point {
        while self.points.is_empty() {
            self.refill(kills, random);
        }
        let point = self.points.pop();
        point.unwrap_or_else(|| unreachable!("it was filled"))
    }

    /// By turns those that no kill reached yet, and all.
    fn refill(&mut self, kills: &Kills, random: &mut Random) {
        let all = self.rounds % 2 == 1;
        self.rounds += 1;
        self.points = Point::all()
            // A process comes there in a life of its own: what it writes fails.
            .filter(|point| point.step != Step::CutOff)
            .filter(|point| all || kills.at(*point) == 0)
            .collect();
        for index in (1..self.points.len()).rev() {
            self.points.swap(index, random.below(index as u64 + 1) as usize);
        }
    }
}

/// Points that are passed in few lives only, and may be in the next: the one that was reached least; none when all were
/// reached often enough.
pub(super) fn seldom(scene: &Scene, kills: &Kills, random: &mut Random) -> Option<Point> {
    let comes = |point: &Point| match point.step {
        Step::Migrate => scene.is_new,
        Step::Truncate | Step::Repair | Step::NoteBoot => scene.restarted,
        _ => false,
    };
    Point::all()
        .filter(|point| comes(point) && kills.at(*point) < 10)
        .min_by_key(|point| (kills.at(*point), random.below(1000)))
}

/// One of the points that only a life passes in which writes fail; none when they were reached often enough.
pub(super) fn where_writes_fail(kills: &Kills, random: &mut Random) -> Option<Point> {
    let seldom: Vec<Point> = Point::all()
        .filter(|point| point.step == Step::CutOff && kills.at(*point) < 10)
        .collect();
    let any = !seldom.is_empty();
    any.then(|| seldom[random.below(seldom.len() as u64) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_that_none_of_enough_kills_reached_fails_the_trial() {
        let mut kills = Kills::default();
        for point in Point::all().skip(1) {
            kills.add(point);
        }
        let error = kills.check(ENOUGH).unwrap_err().to_string();
        let missed = Point::all().next().unwrap();
        assert!(error.ends_with(&format!("was at {missed}")), "{error}");
        // Fewer kills say nothing.
        kills.check(ENOUGH - 1).unwrap();
        kills.add(missed);
        kills.check(ENOUGH).unwrap();
    }

    #[test]
    fn every_point_is_due_or_has_a_life_of_its_own() {
        let (mut due, mut kills) = (Due::default(), Kills::default());
        let mut random = Random::new(1);
        for _ in 0..Point::all().count() {
            let point = due.next(&kills, &mut random);
            kills.add(point);
        }
        while let Some(point) = where_writes_fail(&kills, &mut random) {
            kills.add(point);
        }
        kills.check(ENOUGH).unwrap();
    }
}
