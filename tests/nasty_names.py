"""Names that something on their way might take for something else."""

NAMES = (
    "1.1", "1.10", "1.9", "2024_05", "2019_08", "01", "007", "0", "-1", "+1", "1e3", "1e-1", "0x1f",
    "1_0.5", "1:30", "2019-05-01", "inf", "nan", "NULL", "on", "No", "true", "~", "[happy]",
    "[/sad]", "{a: b}", "(x)", "it's", "'quoted'", '"quoted"', "a b", " a ", "a,b", "a=b", "a:b",
    "#a", "a#b", "&a", "*a", "!a", "%a", "@a", "`a`", "$ang$_{x}$", "${x}", r"\${x}", "$HOME",
    "a\\", "\\'", "???", "..", "../x", "-x", "--help", "ü", "Größe", "中文", "😀", "_text_61",
    "a\nb", "x" * 200,
)  # fmt: skip
