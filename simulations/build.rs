//! Tells the tests whether the data outside of this repository is there, so that those that need it are reported as
//! ignored where it is not.

fn main() {
    println!("cargo:rerun-if-env-changed=WATTSWAP_DATA");
    println!("cargo:rustc-check-cfg=cfg(has_data)");
    if std::env::var_os("WATTSWAP_DATA").is_some() {
        println!("cargo:rustc-cfg=has_data");
    }
}
