//! Feeders from files, what is said of files that are wrong, and tables that are written.

use std::convert::Infallible;
use std::fs::{self, File};
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use tempfile::TempDir;
use wattswap_simulations::grid::feeder::{Feeder, Kind, Phases, Place, Winding};
use wattswap_simulations::grid::folder;
use wattswap_simulations::grid::output::Tables;
use wattswap_simulations::grid::places;
use wattswap_simulations::grid::profiles::{self, Profiles};
use wattswap_simulations::grid::series::{self, Block, HandOn, Summary};
use wattswap_simulations::grid::solver::{Settings, Solver, Start};
use wattswap_simulations::output::Format;

type Files = [(&'static str, &'static str)];

/// A feeder of three buses as the IEEE feeder is published, with its profiles in files of their own.
const IEEE: &Files = &[
    ("Source.csv", "# Source impedance\r\n[Source]\r\nVoltage=11 kV\r\npu=1.05 \r\nISC3=3000 A\r\nISC1=5 A\r\n"),
    (
        "Transformer.csv",
        "# Delta/wye,,\nName, phases, bus1, bus2, kV_pri, kV_sec, MVA, Conn_pri, Conn_sec, %XHL,% resistance\n\
         TR1,3,Grid,1,11,0.416,0.8, Delta, Wye,4,0.4\n",
    ),
    ("LineCodes.csv", "# Codes\nName,nphases,R1,X1,R0,X0,C1,C0,Units\nthin,3,0.5,0.1,1.5,0.2,100,50,km\n"),
    (
        "Lines.csv",
        "# Lines\nName,Bus1,Bus2,Phases,Length,Units,LineCode\nL1,1,2,ABC,40,m,thin\nL2,2,3,ABC,0.02,km,thin\n",
    ),
    (
        "LoadShapes.csv",
        "# Shapes\nName,npts,minterval,File,useactual\nShape_1,3,1,Load_profile_1.csv,TRUE\n\
         Shape_2,3,1,Load_profile_2.csv,FALSE\n",
    ),
    (
        "Loads.csv",
        "# Loads\n# Model 1\nName,numPhases,Bus,phases,kV,Model,Connection,kW,PF,Yearly\n\
         LOAD1,1,3,B,0.23,1,wye,1,0.8,Shape_1\nLOAD2,3,2,ABC,0.4,1,wye,6,1,Shape_2\n",
    ),
    ("Load Profiles/Load_profile_1.csv", "time,mult\n00:01:00,2.5\n00:02:00,0.5\n00:03:00,100000\n"),
    ("Load Profiles/Load_profile_2.csv", "time,mult\n00:01:00,0\n00:02:00,0.5\n00:03:00,1\n"),
];

/// A grid of four buses as SimBench's are given out: one bus is coupled by a switch, one line is open.
const SIMBENCH: &Files = &[
    ("bus.csv", "bus,name,vn_kv,type\n0,MV,20.0,b\n1,\"LV, first\",0.4,b\n5,LV 2,0.4,b\n7,LV 3,0.4,b\n"),
    ("ext_grid.csv", "ext_grid,name,bus,vm_pu,va_degree\n0,grid,0,1.025,0.0\n"),
    (
        "trafo.csv",
        "trafo,name,hv_bus,lv_bus,sn_mva,vn_hv_kv,vn_lv_kv,vk_percent,vkr_percent,pfe_kw,i0_percent,shift_degree,\
         tap_side,tap_neutral,tap_step_percent,tap_pos\n0,T,0,1,0.16,20.0,0.4,4.0,1.5,0.4,0.3,150.0,hv,0.0,2.5,-1.0\n",
    ),
    (
        "line.csv",
        "line,name,from_bus,to_bus,length_km,r_ohm_per_km,x_ohm_per_km,c_nf_per_km,max_i_ka,parallel\n\
         0,L1,5,1,0.1,0.2,0.08,800,0.27,2\n1,L2,7,1,0.1,0.2,0.08,800,0.27,1\n",
    ),
    ("switch.csv", "switch,bus,element,et,closed\n0,1,0,l,True\n1,7,1,l,False\n2,5,7,b,True\n3,0,0,t,True\n"),
    ("load.csv", "load,name,bus,p_mw,q_mvar,sn_mva,profile\n0,A,5,0.003,0.001,0.004,H0-A\n"),
    ("sgen.csv", "sgen,name,bus,type,p_mw,q_mvar,sn_mva,profile\n0,B,7,PV,0.01,0.0,0.01,PV1\n"),
    ("profiles.csv", "time,H0-A_pload,H0-A_qload,PV1\n00:00,0.5,0.1,0\n00:15,1,0.2,0.9\n"),
];

/// The files in a folder, one of them with a part put differently.
fn written(files: &Files, change: Option<(&str, &str, &str)>) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let text = match change {
            Some((changed, from, to)) if changed == *name => {
                assert!(text.contains(from), "{name} has no {from}");
                text.replacen(from, to, 1)
            }
            _ => (*text).to_owned(),
        };
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &Path) -> Result<(Feeder, Profiles), Box<dyn std::error::Error>> {
    let feeder = folder::read(folder)?;
    let profiles = Profiles::read(&profiles::find(folder)?, &feeder)?;
    Solver::<3>::new(&feeder, Settings::default())?;
    Ok((feeder, profiles))
}

fn near(ours: f64, expected: f64) {
    assert!((ours - expected).abs() <= 1e-9 * expected.abs(), "{ours} is not {expected}");
}

#[test]
fn the_ieee_files_mean_what_they_say() {
    let folder = written(IEEE, None);
    let (feeder, profiles) = read(folder.path()).unwrap();
    assert_eq!(feeder.buses.iter().map(|bus| bus.name.as_str()).collect::<Vec<_>>(), ["Grid", "1", "2", "3"]);
    let transformer = feeder.transformer.as_ref().unwrap();
    assert_eq!((transformer.group.high, transformer.group.clock), (Winding::Delta, 1));
    near(transformer.short_circuit_pu.im, 0.04);
    near(feeder.source.z1.norm(), 11e3 / 3_f64.sqrt() / 3e3);
    near((feeder.source.z1 * 2.0 + feeder.source.z0).norm(), 3.0 * 11e3 / 3_f64.sqrt() / 5.0);
    // 40 m of 0.5 ohms a kilometre, and 100 nF a kilometre at 50 Hz.
    near(feeder.lines[0].z1.re, 0.02);
    near(feeder.lines[1].z0.re, 0.03);
    near(feeder.lines[0].b1, std::f64::consts::TAU * 50.0 * 100e-9 * 0.04);
    let [one, three] = &feeder.connections[..] else { panic!("two loads") };
    // Values of Shape_1 are kilowatts; those of Shape_2 multiply 6 kW. A power factor of 0.8 has a tangent of 0.75.
    assert_eq!((one.phases, three.phases), (Phases::B, Phases::All));
    near(one.watts, 1e3);
    near(one.vars, 750.0);
    near(three.watts, 6e3);
    assert_eq!((profiles.steps(), profiles.time(1)), (3, "00:02:00"));
}

#[test]
fn the_simbench_files_mean_what_they_say() {
    let folder = written(SIMBENCH, None);
    let (feeder, profiles) = read(folder.path()).unwrap();
    let transformer = feeder.transformer.as_ref().unwrap();
    // One step of 2.5 % down on the high-voltage side.
    near(transformer.high_v, 20e3 * 0.975);
    near(transformer.low_v, 400.0);
    assert_eq!((transformer.group.high, transformer.group.clock), (Winding::Delta, 5));
    let names: Vec<&str> = feeder.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["L1", "switch 2"], "the open line is left out");
    // Two cables side by side.
    near(feeder.lines[0].z1.re, 0.01);
    near(feeder.lines[0].max_current_a.unwrap(), 540.0);
    near(feeder.lines[0].b1, std::f64::consts::TAU * 50.0 * 800e-9 * 0.1 * 2.0);
    assert_eq!(feeder.connections[1].kind, Kind::Pv);
    near(feeder.connections[1].watts, -10e3);
    assert_eq!(profiles.steps(), 2);
}

/// A file for the IEEE feeder's places, with one for a bus that is not there and none for `Grid`.
const BUSCOORDS: (&str, &str) = (
    "Buscoords.csv",
    "#Bus Coordinates,,\nBusname, x, y\n1,390872.5,392887\n3,390912.5, 392887\n2,390912.5,392887\n9,0,0\n",
);
const COORDINATES: (&str, &str) = (
    "Coordinates.csv",
    "id;x;y;subnet;voltLvl\ncoord_0;11.41;60.001;LV;7\ncoord_1;11.411;60.001;LV;7\ncoord_2;11.411;59.999;LV;7\n",
);
const WITH_COORD_ID: (&str, &str) =
    ("bus.csv", "bus,name,vn_kv,coordID\n0,MV,20.0,NULL\n1,LV 1,0.4,coord_0\n5,LV 2,0.4,coord_1\n7,LV 3,0.4,coord_2\n");
const WITH_X_AND_Y: (&str, &str) = (
    "bus.csv",
    "bus,name,vn_kv,x,y\n0,MV,20.0,,\n1,LV 1,0.4,11.41,60.001\n5,LV 2,0.4,11.411,60.001\n7,LV 3,0.4,11.411,59.999\n",
);

/// The files with some more, or in place of those of the same name.
fn and(files: &Files, more: &Files) -> Vec<(&'static str, &'static str)> {
    let kept = files.iter().filter(|(name, _)| more.iter().all(|(other, _)| name != other));
    kept.chain(more).copied().collect()
}

#[test]
fn places_are_read_where_files_give_them() {
    let folder = written(&and(IEEE, &[BUSCOORDS]), None);
    let (feeder, _) = read(folder.path()).unwrap();
    let place = |east, north| Some(Place { east, north });
    let places: Vec<Option<Place>> = feeder.buses.iter().map(|bus| bus.place).collect();
    let expected = [None, place(390_872.5, 392_887.0), place(390_912.5, 392_887.0), place(390_912.5, 392_887.0)];
    assert_eq!(places, expected);
    // 40 m from one to the other, and a cable of 40 m and one of 20 m.
    let map = places::map(&feeder);
    assert_eq!((map.surveyed, map.in_metres, map.places), (true, true, expected.to_vec()));

    for more in [vec![WITH_X_AND_Y], vec![WITH_COORD_ID, COORDINATES]] {
        let folder = written(&and(SIMBENCH, &more), None);
        let (feeder, _) = read(folder.path()).unwrap();
        let [high, first, second, third] = [0, 1, 2, 3].map(|bus| feeder.buses[bus].place);
        let [first, second, third] = [first, second, third].map(Option::unwrap);
        assert_eq!(high, None);
        // Degrees: at 60 degrees north, those to the east are half as long (and a middle that is 0.0003 off).
        assert!((second.east - first.east - 0.001 * 111_320.0 / 2.0).abs() < 0.01, "{first:?} {second:?}");
        assert!((second.north - third.north - 0.002 * 111_320.0).abs() < 1e-6, "{second:?} {third:?}");
        assert!(!places::map(&feeder).in_metres, "100 m of cable can't reach 222 m");
    }
    // Metres stay what they are.
    let metres = WITH_X_AND_Y.1.replace("60.001", "5001");
    let folder = written(SIMBENCH, None);
    fs::write(folder.path().join("bus.csv"), metres).unwrap();
    assert_eq!(read(folder.path()).unwrap().0.buses[1].place, place(11.41, 5_001.0));

    for (files, more) in [(IEEE, &[][..]), (SIMBENCH, &[]), (SIMBENCH, &[COORDINATES]), (SIMBENCH, &[WITH_COORD_ID])] {
        let folder = written(&and(files, more), None);
        let (feeder, _) = read(folder.path()).unwrap();
        assert!(feeder.buses.iter().all(|bus| bus.place.is_none()));
        let map = places::map(&feeder);
        assert!(!map.surveyed && map.in_metres, "it is laid out by the lengths of its lines");
        assert_eq!(map.places.iter().flatten().count(), 3);
    }
}

#[test]
fn a_place_that_is_wrong_is_named_with_what_to_write() {
    let ieee = and(IEEE, &[BUSCOORDS]);
    let named = and(SIMBENCH, &[WITH_COORD_ID, COORDINATES]);
    let columns = and(SIMBENCH, &[WITH_X_AND_Y]);
    let cases: [(&Files, &str, &str, &str, &[&str]); 8] = [
        (&ieee, "Buscoords.csv", "390872.5", "here", &["Buscoords.csv, line 3, column x", "\"here\"", "a coordinate"]),
        (&ieee, "Buscoords.csv", ",392887\n3", ",\n3", &["Buscoords.csv, line 3, column y", "\"\"", "a coordinate"]),
        (&ieee, "Buscoords.csv", "392887\n2", "inf\n2", &["Buscoords.csv, line 4, column y", "\"inf\""]),
        (&ieee, "Buscoords.csv", "\n2,", "\n1,", &["Buscoords.csv, line 5, column Busname", "no line before has"]),
        (&ieee, "Buscoords.csv", "Busname", "Bus", &["Buscoords.csv, line 2", "no column Busname"]),
        (&named, "Coordinates.csv", "11.41;", "11,41;", &["Coordinates.csv, line 2, column x", "\"11,41\""]),
        (&named, "bus.csv", "coord_2", "coord_7", &["bus.csv, line 5, column coordID", "Coordinates.csv, or NULL"]),
        (&columns, "bus.csv", "11.411,60.001", "11.411,", &["bus.csv, line 4, column y", "a coordinate"]),
    ];
    for (files, name, from, to, expected) in cases {
        let folder = written(files, Some((name, from, to)));
        let error = read(folder.path()).expect_err(name).to_string();
        for part in expected {
            assert!(error.contains(part), "{name} with {to}: no {part} in: {error}");
        }
    }
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_what_to_write() {
    let cases: [(&Files, &str, &str, &str, &[&str]); 22] = [
        (IEEE, "Source.csv", "pu=1.05", "pu=high", &["Source.csv, line 4", "high", "pu=1.05"]),
        (IEEE, "Source.csv", "ISC3", "ISC9", &["Source.csv, line 6", "the end of the file", "ISC3=3000 A"]),
        (IEEE, "Transformer.csv", " Delta,", " Zigzag,", &["Transformer.csv, line 3, column Conn_pri", "Delta or Wye"]),
        (IEEE, "Transformer.csv", "11,0.416", "11,-1", &["line 3, column kV_sec", "\"-1\"", "in kV"]),
        (
            IEEE,
            "Transformer.csv",
            "%XHL",
            "XHL",
            &["Transformer.csv, line 2", "no column %XHL", "there are Name, phases"],
        ),
        (IEEE, "LineCodes.csv", "0.5,", "a,", &["LineCodes.csv, line 3, column R1", "\"a\"", "ohms a kilometre"]),
        (IEEE, "LineCodes.csv", ",km", ",mile", &["column Units", "\"mile\" is not km"]),
        (IEEE, "Lines.csv", "40,m,thin", "40,m,thick", &["Lines.csv, line 3, column LineCode", "LineCodes.csv"]),
        (IEEE, "Lines.csv", "40,m", "inf,m", &["column Length", "\"inf\"", "a length"]),
        (IEEE, "Lines.csv", "L2,2,3,ABC,0.02,km,thin", "L2,2,3", &["Lines.csv", "line: 4"]),
        (IEEE, "Lines.csv", "L2,2,3", "L2,1,2", &["Loads.csv, line 4, column Bus", "\"3\"", "Lines.csv"]),
        (IEEE, "Loads.csv", "B,0.23,1", "B,0.23,2", &["Loads.csv, line 4, column Model", "constant power"]),
        (IEEE, "Loads.csv", "0.8,", "1.8,", &["column PF", "up to 1"]),
        (IEEE, "Loads.csv", "1,3,B", "1,3,D", &["column phases", "A, B or C"]),
        (IEEE, "LoadShapes.csv", "Load_profile_1", "Load_profile_9", &["LOAD1 follows the profile Load_profile_9"]),
        (IEEE, "Load Profiles/Load_profile_2.csv", "00:03:00,1\n", "", &["has 2 rows", "have 3"]),
        (SIMBENCH, "bus.csv", "5,LV 2", "1,LV 2", &["bus.csv, line 4, column bus", "no other bus has"]),
        (SIMBENCH, "ext_grid.csv", "0,1.025", "3,1.025", &["ext_grid.csv, line 2, column bus", "a bus in bus.csv"]),
        (SIMBENCH, "trafo.csv", "150.0", "145.0", &["column shift_degree", "multiple of 30"]),
        (SIMBENCH, "trafo.csv", "4.0,1.5", "4.0,5", &["column vkr_percent", "up to vk_percent"]),
        (SIMBENCH, "switch.csv", "1,l,False", "1,l,maybe", &["switch.csv, line 3, column closed", "True or False"]),
        (SIMBENCH, "switch.csv", "1,l,False", "1,l,True", &["line L2 closes a loop at bus LV, first"]),
    ];
    for (files, name, from, to, expected) in cases {
        let folder = written(files, Some((name, from, to)));
        let error = read(folder.path()).expect_err(name).to_string();
        for part in expected {
            assert!(error.contains(part), "{name} with {to}: no {part} in: {error}");
        }
    }
    let nothing = TempDir::new().unwrap();
    assert!(folder::read(nothing.path()).unwrap_err().to_string().contains("ext_grid.csv"));
}

/// Runs all steps.
fn run<const P: usize>(feeder: &Feeder, profiles: &Profiles, hand_on: Option<HandOn<'_, Infallible>>) -> Summary {
    let solver = Solver::<P>::new(feeder, Settings::default()).unwrap();
    series::run(feeder, &solver, profiles, 0..profiles.steps(), hand_on).unwrap()
}

#[test]
fn what_does_not_converge_is_counted_named_and_left_empty() {
    let folder = written(IEEE, None);
    let (feeder, profiles) = read(folder.path()).unwrap();
    let (csv, parquet) = (folder.path().join("csv"), folder.path().join("parquet"));
    for (out, format) in [(&csv, Format::Csv), (&parquet, Format::Parquet)] {
        let mut tables = Tables::create::<3>(out, format, &feeder).unwrap();
        let mut write = |blocks: &[Block]| {
            tables.add(blocks, &profiles).unwrap();
            Ok(())
        };
        let summary = run::<3>(&feeder, &profiles, Some(&mut write));
        tables.finish().unwrap();
        // The third step draws 100 MW.
        assert_eq!((summary.steps, summary.not_converged, &summary.first_not_converged[..]), (3, 1, &[(2, 3)][..]));
        assert!(summary.lowest.unwrap().pu > 0.9 && summary.highest.unwrap().pu < 1.06);
    }
    let text = fs::read_to_string(csv.join("voltages.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        rows[0],
        "step,time,Grid.a,Grid.b,Grid.c,1.a,1.b,1.c,2.a,2.b,2.c,3.a,3.b,3.c".split(',').collect::<Vec<_>>()
    );
    assert_eq!(rows[3], ["2", "00:03:00", "", "", "", "", "", "", "", "", "", "", "", ""]);
    let file = SerializedFileReader::new(File::open(parquet.join("voltages.parquet")).unwrap()).unwrap();
    let mut read = 0;
    for (row, expected) in file.get_row_iter(None).unwrap().zip(&rows[1..]) {
        let row = row.unwrap();
        for ((name, cell), (header, text)) in row.get_column_iter().zip(rows[0].iter().zip(expected)) {
            assert_eq!(name, header);
            match cell {
                Field::Double(value) => assert_eq!(format!("{value:.4}"), **text),
                Field::Long(value) => assert_eq!(value.to_string(), **text),
                Field::Str(value) => assert_eq!(value, *text),
                Field::Null => assert_eq!(**text, *""),
                other => panic!("{other}"),
            }
            read += 1;
        }
    }
    assert_eq!(read, 3 * 14);
}

#[test]
fn names_with_commas_are_quoted_and_one_phase_has_one_column() {
    let folder = written(SIMBENCH, None);
    let (feeder, profiles) = read(folder.path()).unwrap();
    let mut tables = Tables::create::<1>(folder.path(), Format::Csv, &feeder).unwrap();
    let mut write = |blocks: &[Block]| {
        tables.add(blocks, &profiles).unwrap();
        Ok(())
    };
    let summary = run::<1>(&feeder, &profiles, Some(&mut write));
    tables.finish().unwrap();
    let text = fs::read_to_string(folder.path().join("voltages.csv")).unwrap();
    assert!(text.starts_with("step,time,MV,\"LV, first\",LV 2,LV 3\n0,00:00,11835.6805,"), "{text}");
    // In the second step PV feeds 9 kW in, and 3 kW are drawn.
    assert_eq!(summary.highest.unwrap().step, 1);
    let text = fs::read_to_string(folder.path().join("infeed.csv")).unwrap();
    let watts: Vec<f64> = text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!((1500.0..2000.0).contains(&watts[0]) && (-6000.0..-5500.0).contains(&watts[1]), "{watts:?}");
}

#[test]
fn the_number_of_threads_does_not_show() {
    let folder = written(SIMBENCH, None);
    let rows: String = (0..3000).map(|step| format!("{step},{},0.1,{}\n", step % 17, step % 23)).collect();
    fs::write(folder.path().join("profiles.csv"), format!("time,H0-A_pload,H0-A_qload,PV1\n{rows}")).unwrap();
    let (feeder, profiles) = read(folder.path()).unwrap();
    let outcome = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut steps, mut voltages, mut bits) = (Vec::new(), Vec::new(), Vec::new());
            let mut keep = |blocks: &[Block]| {
                for block in blocks {
                    assert_eq!(block.converged, vec![true; block.steps.len()]);
                    steps.extend(block.steps.clone());
                    voltages.extend_from_slice(&block.voltages);
                    bits.extend(block.voltages.iter().chain(&block.currents).chain(&block.infeed).map(|x| x.to_bits()));
                }
                Ok(())
            };
            let summary = run::<3>(&feeder, &profiles, Some(&mut keep));
            (format!("{summary:?}"), steps, bits, voltages)
        })
    };
    let (one, three) = (outcome(1), outcome(3));
    assert_eq!(one.1, (0..3000).collect::<Vec<_>>(), "steps come in order");
    assert!(one == three, "{} and {}", one.0, three.0);
    // Each row is that of its step, solved alone: at the edges of batches, blocks and rounds, too.
    let solver = Solver::<3>::new(&feeder, Settings::default()).unwrap();
    let mut batch = solver.batch();
    for step in [0, 1, 7, 8, 31, 32, 1023, 1024, 2047, 2992, 2999] {
        batch.clear();
        profiles.draw(step, 0, &mut batch);
        let solution = solver.solve(&mut batch, Start::Flat);
        for bus in 0..feeder.buses.len() {
            for phase in 0..3 {
                let (row, alone) =
                    (one.3[(step * feeder.buses.len() + bus) * 3 + phase], solution.voltage(bus, phase, 0));
                assert!((row - alone.norm()).abs() < 1e-5, "{row} and {alone} in step {step}");
            }
        }
    }
}
