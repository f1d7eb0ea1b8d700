"""Tables as CSV and LaTeX, for papers and for other programs."""

import csv
import io
from collections.abc import Sequence

from emotion_hpo.report.document import CODE, Table, Verbatim


def as_csv(table: Table) -> str:
    """Return the table as CSV: figures are bare, and what is in per cent says so above.

    >>> print(as_csv(Table("t", "T", ("trial", "UAR", "n"), (("`a`", "71.04 %", "1,234"),
    ...                                                      ("b", "–", "2")))))
    trial,UAR (%),n
    a,71.04,1234
    b,,2
    <BLANKLINE>
    >>> print(as_csv(Table("t", "T", ("class", "n"), ((Verbatim("`1,000`"), "1,000"),))))
    class,n
    "`1,000`",1000
    <BLANKLINE>
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = [*zip(*table.rows, strict=True)] or [()] * len(table.columns)
    in_percent = [
        numeric and any("%" in str(cell) for cell in column)
        for numeric, column in zip(table.numeric, columns, strict=True)
    ]
    writer.writerow(
        f"{name.strip()} (%)" if share else name
        for name, share in zip(table.columns, in_percent, strict=True)
    )
    for row in table.rows:
        writer.writerow(
            str(cell).replace(",", "").strip(" %–")
            if numeric
            else str(cell).replace("`", "" if not isinstance(cell, Verbatim) else "`")
            for cell, numeric in zip(row, table.numeric, strict=True)
        )
    return buffer.getvalue()


def as_latex(table: Table) -> str:
    r"""Return the table as LaTeX, with the rules of `booktabs`.

    >>> print(as_latex(Table("t", "A & B", ("a_b", "n"), (("`x%`", 1),))))
    % needs \usepackage{booktabs}
    \begin{table}
      \centering
      \caption{A \& B}
      \label{tab:t}
      \begin{tabular}{lr}
        \toprule
        a\_b & n \\
        \midrule
        \texttt{x\%} & 1 \\
        \bottomrule
      \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    body = "".join(f"    {_latex_row(row)}\n" for row in table.rows)
    # Letters beyond the Latin ones; pictures and Chinese signs have the higher codes.
    is_latin = not any(
        letter > "\u2e80" or (letter > "\u024f" and letter.isalpha()) for letter in body
    )
    return (
        "% needs \\usepackage{booktabs}\n"
        + "% has letters that only XeLaTeX and LuaLaTeX set, in a font that has them\n"
        * (not is_latin)
        + "\\begin{table}\n  \\centering\n"
        f"  \\caption{{{_latex(table.title)}}}\n  \\label{{tab:{table.name}}}\n"
        f"  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    {_latex_row(table.columns)}\n"
        f"    \\midrule\n{body}    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}\n"
    )


def _latex_row(cells: Sequence[object]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "–": "--", "→": r"$\rightarrow$", "≥": r"$\geq$", "≤": r"$\leq$", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip


def _latex(cell: object) -> str:
    r"""Return text that LaTeX sets letter by letter.

    >>> print(_latex("a|b < $c$ `d_e`"), _latex(Verbatim("`x`")), _latex("[sad]"))
    a\textbar{}b \textless{} \$c\$ \texttt{d\_e} `x` {}[sad]
    """
    text = "".join(_LATEX.get(letter, letter) for letter in str(cell))
    if text.startswith(("[", "*")):  # what ends a row would take it for its argument
        text = f"{{}}{text}"
    return text if isinstance(cell, Verbatim) else CODE.sub(r"\\texttt{\1}", text)
