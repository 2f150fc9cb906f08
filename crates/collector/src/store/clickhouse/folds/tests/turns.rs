//! Folds that are made while others write, remove, or end.

use super::*;
use crate::clickhouse::Gate;

#[test]
fn while_hours_are_counted_events_are_stored_and_what_is_touched_meanwhile_does_not_count() {
    let Some(live) = Live::start() else { return };
    let gate = Gate::before(&live, "INSERT INTO fold_minutes");
    let (client, mut engine) = store_of(&live, Live::client_at(gate.port(), "folds_beside"), "folds_beside");
    let last_us = last_hour_us();
    engine.commit(&[&request("early", "deploy", last_us, HOURS)]).unwrap();
    engine.tick().unwrap();
    engine.give_back().unwrap();
    gate.wait();
    let stored = engine.commit(&[&request("late", "click", last_us, 3)]).unwrap();
    assert_eq!(stored.iter().map(|stored| stored.accepted).sum::<usize>(), 9);
    engine.tick().unwrap();
    assert!(!engine.give_back().unwrap() && !engine.settle().unwrap(), "it is under way, and nothing waits for it");
    assert_eq!((count(&client, "folded"), events(&client, last_us, HOURS)), (0, 3 * HOURS + 9));
    gate.open();
    end_of_turn(&mut engine);
    // The three were counted twice, and named once.
    assert_eq!(count(&client, "folded"), HOURS.unsigned_abs());
    assert_eq!(count(&client, COUNTED), HOURS.unsigned_abs());
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 9);
    engine.close();
}

#[test]
fn what_is_removed_by_one_while_another_counts_it_leaves_no_name_in_a_fold() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_names");
    let last_us = last_hour_us();
    engine.commit(&[&request("early", "deploy", last_us, HOURS), &request("late", "secret", last_us, 3)]).unwrap();
    engine.tick().unwrap();
    let mut other = lease(&live, &client, "folds_names_too");
    let fold = choose(&client, &mut other);
    // As a removal does it. What is counted comes after the counts of these hours were removed, and before the events are.
    let going = hours(&client, "session = 'late'").unwrap();
    open(&client, &going).unwrap();
    forget(&client, &going).unwrap();
    assert!(fold.count(&client, &go_on()).unwrap());
    assert!(count(&client, "fold_calls WHERE callee = 'secret'") > 0);
    client.run(&Sql::new(&format!("DELETE FROM {} WHERE session = 'late'", client.changed("events")))).unwrap();
    fold.finish(&client).unwrap();
    assert_unnamed(&client, "secret");
    assert_eq!(count(&client, "folded"), HOURS.unsigned_abs() - 3);
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS);
    engine.close();
}

#[test]
fn a_fold_that_does_not_count_any_more_is_swept_also_where_no_other_took_its_place() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_swept");
    let last_us = last_hour_us();
    engine.commit(&[&request("a", "deploy", last_us, HOURS)]).unwrap();
    fold(&mut engine);
    open(&client, &[u32::try_from(last_us / 1_000_000).unwrap()]).unwrap();
    sweep(&client, AT_ONCE).unwrap();
    assert_eq!(count(&client, COUNTED), HOURS.unsigned_abs() - 1);
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS);
    engine.close();
}

#[test]
fn no_hour_is_folded_while_events_go_whoever_began_that() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_going");
    let last_us = last_hour_us();
    engine.commit(&[&request("a", "deploy", last_us, HOURS), &request("b", "click", last_us, 3)]).unwrap();
    engine.tick().unwrap();
    let table = if client.location().cluster().is_some() { "events_local" } else { "events" };
    client.run(&Sql::new(&format!("SYSTEM STOP MERGES {table}"))).unwrap();
    // Whoever began it waits for it no more.
    let mut sql = Sql::new(&format!("/* given up */ DELETE FROM {} WHERE session = 'b' ", client.changed("events")));
    client.run(sql.add("SETTINGS mutations_sync = 0, lightweight_deletes_sync = 0")).unwrap();
    let mut lease = lease(&live, &client, "folds_going_too");
    let mut numbers = numbers(&mut lease);
    assert!(!folds_more(&client, &mut numbers, AT_ONCE));
    client.run(&Sql::new(&format!("SYSTEM START MERGES {table}"))).unwrap();
    while count(&client, &client.mutations()) > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(folds_more(&client, &mut numbers, AT_ONCE));
    assert_eq!(count(&client, "folded"), HOURS.unsigned_abs());
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS);
    engine.close();
}

#[test]
fn nothing_is_counted_or_named_once_it_is_over() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_over");
    engine.commit(&[&request("a", "deploy", last_hour_us(), 2)]).unwrap();
    engine.tick().unwrap();
    let mut lease = lease(&live, &client, "folds_over_too");
    let mut numbers = numbers(&mut lease);
    let over = AtomicBool::new(true);
    assert!(!step(&client, &mut numbers, (AT_ONCE, &mut Large::default()), &over).unwrap());
    assert_eq!((count(&client, "fold_minutes"), count(&client, "folded")), (0, 0));
    assert!(folds_more(&client, &mut numbers, AT_ONCE));
    assert_eq!(count(&client, "folded"), 2);
    engine.close();
}

#[test]
fn an_hour_that_is_too_much_is_counted_from_its_events_and_keeps_no_other_from_being_folded() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "folds_large");
    let last_us = last_hour_us();
    // Of the hour before the last.
    let more = request("b", "click", last_us - HOUR, 1);
    engine.commit(&[&request("a", "deploy", last_us, HOURS), &more]).unwrap();
    engine.tick().unwrap();
    let mut lease = lease(&live, &client, "folds_large_too");
    let (mut numbers, mut large) = (numbers(&mut lease), Large::default());
    let spans = Spans { events_max: 5, ..AT_ONCE };
    assert!(step(&client, &mut numbers, (spans, &mut large), &go_on()).unwrap());
    assert_eq!(count(&client, "folded"), HOURS.unsigned_abs() - 1);
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 3);
    // It is known what was too much.
    assert!(!step(&client, &mut numbers, (AT_ONCE, &mut large), &go_on()).unwrap());
    assert!(folds_more(&client, &mut numbers, AT_ONCE));
    assert_eq!(count(&client, "folded"), HOURS.unsigned_abs());
    assert_eq!(events(&client, last_us, HOURS), 3 * HOURS + 3);
    engine.close();
}
