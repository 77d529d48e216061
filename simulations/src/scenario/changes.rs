//! Other values for a scenario's keys, before it is read as a document.

use toml::{Table, Value};

/// Puts a value where a key such as `pv.share_percent` or `tariffs[0].name` says; tables on the way are made where they
/// are missing. What is wrong with the key is given in words.
pub(super) fn set(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let Some((first, rest)) = key.split_once('.') else {
        *place(table, key)? = value;
        return Ok(());
    };
    match place(table, first)? {
        Value::Table(inner) => set(inner, rest, value),
        _ => Err(format!("{first} is no table: there is no key {rest} in it")),
    }
}

/// What stands at one part of a key; an empty table if nothing does.
fn place<'t>(table: &'t mut Table, part: &str) -> Result<&'t mut Value, String> {
    let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, index)) => (name, Some(index)),
        None => (part, None),
    };
    if name.is_empty() {
        return Err("write the names of keys with a point between them, such as \"pv.share_percent\"".to_owned());
    }
    let Some(index) = index else {
        return Ok(table.entry(name).or_insert_with(|| Value::Table(Table::new())));
    };
    let list = table.get_mut(name).and_then(Value::as_array_mut);
    let list = list.ok_or_else(|| format!("{name} is no list in the scenario: leave [{index}] out"))?;
    let count = list.len();
    let entry = index.parse::<usize>().ok().and_then(|index| list.get_mut(index));
    entry.ok_or_else(|| format!("{name} has no entry [{index}]: the first is [0], the last [{}]", count.max(1) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "seed = 1\n[market]\ntick = \"0.1\"\n[[tariffs]]\nname = \"flat\"\n[[tariffs]]\nname = \"night\"\n";

    #[test]
    fn values_go_where_their_key_says() {
        // (key, value; what is said of it, or the text that has it)
        let cases = [
            ("seed", "7", Ok("seed = 7")),
            ("market.tick", "\"0.2\"", Ok("tick = \"0.2\"")),
            ("tariffs[1].name", "\"day\"", Ok("name = \"day\"")),
            ("pv.share_percent", "30", Ok("[pv]\nshare_percent = 30")),
            ("a.b.c", "true", Ok("[a.b]\nc = true")),
            ("tariffs", "[{ name = \"one\" }]", Ok("name = \"one\"")),
            ("tariffs[2]", "1", Err("tariffs has no entry [2]: the first is [0], the last [1]")),
            ("tariffs[x]", "1", Err("tariffs has no entry [x]: the first is [0], the last [1]")),
            ("seed[0]", "1", Err("seed is no list in the scenario: leave [0] out")),
            ("seed.more", "1", Err("seed is no table: there is no key more in it")),
            ("", "1", Err("write the names of keys with a point between them, such as \"pv.share_percent\"")),
            ("pv..x", "1", Err("write the names of keys with a point between them, such as \"pv.share_percent\"")),
        ];
        for (key, value, expected) in cases {
            let mut table: Table = TEXT.parse().unwrap();
            let value = format!("v = {value}").parse::<Table>().unwrap().remove("v").unwrap();
            match (set(&mut table, key, value), expected) {
                (Ok(()), Ok(expected)) => {
                    let text = table.to_string();
                    assert!(text.contains(expected), "{key}: {text}");
                }
                (said, expected) => assert_eq!(said, expected.map(|_| ()).map_err(str::to_owned), "{key}"),
            }
        }
    }
}
