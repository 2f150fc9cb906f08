//! Users. See [`crate::query::users`].

use super::Remote;
use super::sums::Bounds;
use crate::clickhouse::{ROW_BITS, Sql};
use crate::query::{Moment, Page, QueryError, User, UserQuery};

/// A user's number: that of the first row; of one of whom there is none it is made of when opting in or out was said, as rows are made of moments.
const NUMBER: &str = "if(countIf(has_row) > 0, minIf(place, has_row), min(place))";

/// A number, the id, whether and when opting in was said, the first and the last moment.
type Row = (i64, String, bool, Option<i64>, Option<i64>, Option<i64>);

/// Returns a page of users, the latest to appear first.
pub(in crate::query) fn page(remote: &Remote, query: &UserQuery) -> Result<Page<User>, QueryError> {
    let bounds = Bounds::of(query.after.as_deref(), query.limit)?;
    let of_user = |sql: &mut Sql| {
        if let Some(user) = &query.user {
            sql.add(" WHERE user = ").text(user);
        }
    };
    // Who has no events has a beginning after every moment, and an end before.
    let mut sql = Sql::new(&format!(
        "SELECT toInt64({NUMBER}) AS number, id, toBool(max(opted)), nullIf(max(changed), {min}),
                nullIf(min(begin), {max}), nullIf(max(end), {min})
         FROM (SELECT user AS id, row AS place, true AS has_row, 0 AS opted, toInt64({min}) AS changed,
                      first_us AS begin, last_us AS end FROM users",
        min = i64::MIN,
        max = i64::MAX
    ));
    of_user(&mut sql);
    sql.add(&format!(
        " UNION ALL SELECT user, bitShiftLeft(toUInt64(intDiv(changed_us, 1000)), {ROW_BITS}), false, opted_in,
                           changed_us, toInt64({}), toInt64({}) FROM opt_ins FINAL",
        i64::MAX,
        i64::MIN
    ));
    of_user(&mut sql);
    sql.add(") GROUP BY id HAVING 1");
    if let Some(opted_in) = query.opted_in {
        sql.add(" AND max(opted) = ").number(u8::from(opted_in));
    }
    bounds.put(&mut sql, NUMBER, 0);
    let rows: Vec<Row> = remote.rows(&sql)?;
    let user = |(number, user_id, telemetry_opt_in, changed, first_us, last_us): Row| {
        let moment = |micros: Option<i64>| micros.map(Moment);
        let (changed, first_seen, last_seen) = (moment(changed), moment(first_us), moment(last_us));
        (number, User { user_id, telemetry_opt_in, changed, first_seen, last_seen })
    };
    Ok(bounds.page(rows.into_iter().map(user).collect()))
}
