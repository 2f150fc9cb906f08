//! The law of the books, end to end: what a reporter says, and what the store has.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::reporters::{Patience, Told};

/// Says everything in which a store and the books of a reporter do not agree.
///
/// - Who took an event has delivered it or says that it did not.
/// - What was acknowledged is stored. What was not may be stored all the same: only its answer was lost.
/// - Nothing is stored twice, and nothing that nobody took.
/// - What is missing is said to be missing: as many as that at most were given up, and the store knows them as a gap.
pub(crate) fn judge(told: &Told, session: &Value, stored: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut holds = |is_so: bool, what: String| {
        if !is_so {
            found.push(format!("{}: {what}", told.session));
        }
    };
    let (stats, dropped) = (&told.stats, told.stats.dropped.total());
    let on_its_way = stats.queued + stats.in_flight + stats.spooled;
    holds(on_its_way == 0 && told.drain.pending == 0, format!("its fate is not known of {on_its_way}"));
    holds(
        stats.accepted == stats.delivered + dropped,
        format!("{} taken, {} delivered, {dropped} lost", stats.accepted, stats.delivered),
    );
    let refused = stats.refused.total();
    let taken = told.taken.len() as u64;
    holds(told.logged == taken + refused, format!("{} logged, {taken} taken, {refused} refused", told.logged));
    let acknowledged = told.acknowledged.len() as u64;
    holds(acknowledged == stats.delivered, format!("{acknowledged} acknowledged, {} delivered", stats.delivered));
    holds(told.patience == Patience::Little || dropped == 0, format!("{dropped} lost by who gives up nothing"));

    let mut ids: Vec<&str> = stored.iter().filter_map(|event| event["event_id"].as_str()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).filter(|two| two[0] == two[1]).count();
    holds(twice == 0 && ids.len() == stored.len(), format!("{twice} ids of {} are there twice", stored.len()));
    let mut places: BTreeMap<u64, u64> = BTreeMap::new();
    for event in stored {
        let place = event["event_session_index"].as_u64().unwrap();
        *places.entry(place).or_default() += 1;
        holds(place < stats.accepted, format!("nobody took what is stored at {place}"));
        if let Some(number) = told.taken.get(&place) {
            holds(event["event_data"]["number"] == *number, format!("another event is at {place}: {event}"));
        }
    }
    let twice: Vec<_> = places.iter().filter(|(_, count)| **count > 1).take(5).collect();
    holds(twice.is_empty(), format!("places are taken twice: {twice:?}"));
    let missing: Vec<_> = told.acknowledged.iter().filter(|place| !places.contains_key(place)).collect();
    let some = &missing[..missing.len().min(5)];
    holds(missing.is_empty(), format!("{} that were acknowledged are not stored: {some:?}", missing.len()));
    let absent = stats.accepted.saturating_sub(places.len() as u64);
    holds(absent <= dropped, format!("{absent} are not stored, and {dropped} are told as lost"));
    holds(session["events"] == stored.len(), format!("{} are counted, {} are there", session["events"], stored.len()));
    let gap = places.last_key_value().map_or(0, |(last, _)| last + 1 - places.len() as u64);
    holds(session["missing"] == gap, format!("{} are counted as missing, {gap} are", session["missing"]));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A reporter that took four events, the third of which was given up.
    fn told() -> Told {
        let mut stats = lastword::Reporter::disabled().stats();
        (stats.accepted, stats.delivered) = (4, 4);
        Told {
            session: "s".to_owned(),
            patience: Patience::Little,
            stats,
            drain: lastword::Drain::default(),
            logged: 2,
            taken: [(1, 0), (2, 1)].into(),
            acknowledged: [0, 1, 2, 3].into(),
        }
    }

    fn stored(places: &[u64]) -> Vec<Value> {
        let event = |place: &u64| {
            let data = json!({ "number": place.wrapping_sub(1) });
            json!({ "event_id": format!("id-{place}"), "event_session_index": place, "event_data": data })
        };
        places.iter().map(event).collect()
    }

    fn session(events: usize, missing: u64) -> Value {
        json!({ "events": events, "missing": missing })
    }

    #[test]
    fn books_that_agree_are_found_to() {
        assert_eq!(judge(&told(), &session(4, 0), &stored(&[0, 1, 2, 3])), Vec::<String>::new());
    }

    #[test]
    fn each_way_in_which_they_do_not_is_found() {
        let lost = judge(&told(), &session(3, 1), &stored(&[0, 1, 3])).join("\n");
        assert!(lost.contains("1 that were acknowledged are not stored: [2]"), "{lost}");
        assert!(lost.contains("1 are not stored, and 0 are told as lost"), "{lost}");
        let twice = judge(&told(), &session(5, 0), &stored(&[0, 1, 2, 2, 3])).join("\n");
        assert!(twice.contains("1 ids of 5 are there twice") && twice.contains("[(2, 2)]"), "{twice}");
        let foreign = judge(&told(), &session(5, 0), &stored(&[0, 1, 2, 3, 4])).join("\n");
        assert!(foreign.contains("nobody took what is stored at 4"), "{foreign}");
        let mut changed = stored(&[0, 1, 2, 3]);
        changed[2]["event_data"]["number"] = json!(7);
        let changed = judge(&told(), &session(3, 2), &changed).join("\n");
        assert!(changed.contains("another event is at 2"), "{changed}");
        assert!(
            changed.contains("3 are counted, 4 are there") && changed.contains("2 are counted as missing"),
            "{changed}"
        );
        let mut unsettled = told();
        (unsettled.stats.accepted, unsettled.stats.queued, unsettled.logged) = (5, 1, 4);
        unsettled.acknowledged.remove(&3);
        let unsettled = judge(&unsettled, &session(4, 0), &stored(&[0, 1, 2, 3])).join("\n");
        for said in ["not known of 1", "5 taken, 4 delivered", "4 logged, 2 taken", "3 acknowledged, 4 delivered"] {
            assert!(unsettled.contains(said), "{said}: {unsettled}");
        }
    }
}
