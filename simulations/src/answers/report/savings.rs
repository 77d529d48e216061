//! What each home saves, and how evenly: bars and a Lorenz curve.

use rust_decimal::Decimal;

use super::chart::{Axis, Chart};
use super::plot::{Plot, drawn, spread, texts};
use crate::answers::Findings;
use crate::answers::value::ratio;

/// So many bars, and points of a curve, at most.
const MOST: usize = 200;

/// Bars and curve; none without homes, or if nobody saves or loses anything.
pub fn plots(findings: &Findings<'_>) -> Option<Vec<Plot>> {
    let mut savings: Vec<(Decimal, &str)> =
        findings.summary.homes.iter().map(|home| (home.money.saved_by_market_eur.0, home.name.as_str())).collect();
    savings.sort_unstable();
    savings.iter().find(|(saved, _)| !saved.is_zero())?;
    let mut plots = vec![bars(&savings)];
    plots.extend(lorenz(&savings));
    Some(plots)
}

fn bars(savings: &[(Decimal, &str)]) -> Plot {
    let chosen = spread(savings.len(), MOST);
    let values = chosen.iter().map(|home| drawn(savings[*home].0)).chain([0.0]);
    let x = Axis::with("homes, by what they save", 0.0, chosen.len() as f64, Vec::new());
    let mut chart = Chart::new(x, Axis::of("EUR saved", values)).legend("f3", "saves").legend("f2", "pays more");
    for (place, home) in chosen.iter().enumerate() {
        let saved = drawn(savings[*home].0);
        let class = if saved < 0.0 { "f2" } else { "f3" };
        chart.cell(class, (place as f64 + 0.08, 0.0), (place as f64 + 0.92, saved), 0.9);
    }
    let rows = chosen.iter().map(|home| {
        let (saved, name) = savings[*home];
        vec![name.to_owned(), format!("{:.4}", saved.round_dp(4))]
    });
    let some = if chosen.len() < savings.len() {
        format!(" {} of {} homes are shown, evenly chosen.", chosen.len(), savings.len())
    } else {
        String::new()
    };
    Plot {
        id: "savings",
        title: "What each home saves by the market".to_owned(),
        caption: format!(
            "Against the same flows with the supplier alone, over the whole run; who saves least comes first.{some}"
        ),
        picture: chart.into(),
        columns: texts(["home", "saved, EUR"]),
        rows: rows.collect(),
    }
}

/// Only where all homes together save something: shares of a loss say nothing.
fn lorenz(savings: &[(Decimal, &str)]) -> Option<Plot> {
    let total: Decimal = savings.iter().map(|(saved, _)| saved).sum();
    if total <= Decimal::ZERO {
        return None;
    }
    let mut sum = Decimal::ZERO;
    let mut sums = vec![Decimal::ZERO];
    for (saved, _) in savings {
        sum += saved;
        sums.push(sum);
    }
    let points: Vec<(Decimal, Decimal)> = spread(sums.len(), MOST)
        .into_iter()
        .filter_map(|homes| Some((ratio(homes as u64, savings.len() as u64)?.0, ratio(sums[homes], total)?.0)))
        .collect();
    let percent = |share: Decimal| drawn(share) * 100.0;
    let values = points.iter().map(|(_, share)| percent(*share)).chain([0.0, 100.0]);
    let mut chart = Chart::new(Axis::of("% of homes", [0.0, 100.0]), Axis::of("% of savings", values))
        .legend("f3", "savings")
        .legend("f6", "all save alike");
    chart.line("s6", &[(0.0, 0.0), (100.0, 100.0)]);
    chart.line("s3", &points.iter().map(|(homes, share)| (percent(*homes), percent(*share))).collect::<Vec<_>>());
    let rows = points.iter().map(|(homes, share)| [homes, share].map(|share| format!("{:.1}", percent(*share))).into());
    Some(Plot {
        id: "lorenz",
        title: "How evenly savings are spread".to_owned(),
        caption: "The Lorenz curve: which share of all savings the homes have that save least. The straight line is \
                  where all save alike. Below zero, homes pay more than without the market."
            .to_owned(),
        picture: chart.into(),
        columns: texts(["% of homes, from who saves least", "% of savings"]),
        rows: rows.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(savings: &[i64]) -> Option<Vec<[String; 2]>> {
        let savings: Vec<(Decimal, &str)> = savings.iter().map(|saved| (Decimal::from(*saved), "home")).collect();
        let cells = |row: Vec<String>| <[String; 2]>::try_from(row).expect("two columns");
        lorenz(&savings).map(|plot| plot.rows.into_iter().map(cells).collect())
    }

    #[test]
    fn a_lorenz_curve_by_hand() {
        let expected = [["0.0", "0.0"], ["25.0", "-25.0"], ["50.0", "-25.0"], ["75.0", "12.5"], ["100.0", "100.0"]];
        assert_eq!(shares(&[-2, 0, 3, 7]), Some(expected.map(|row| row.map(str::to_owned)).to_vec()));
        assert_eq!((shares(&[-2, 2]), shares(&[-1, -1])), (None, None));
        let many: Vec<i64> = (1..=5_000).collect();
        let curve = shares(&many).expect("they save");
        assert_eq!((curve.len(), curve[MOST - 1].clone()), (MOST, ["100.0", "100.0"].map(str::to_owned)));
        // Half of the homes have a quarter of what grows evenly.
        let half = curve.iter().find(|row| row[0] == "50.2").expect("a point near the middle");
        assert!(half[1].starts_with("25."), "{}", half[1]);
    }
}
