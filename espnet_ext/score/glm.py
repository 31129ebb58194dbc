"""NIST's global mapping rules (glm): which spellings are one word, applied as csrfilt.sh does.

    ;;  the first word of a file's first line begins its comments
    * case_sensitive = 'F'
    uh-huh       => %bcack / [ ] __ [ ]               ;; only as a whole word
    good by      => good bye                          ;; anywhere, inside a word too
    [he's]       => [{he is / he has}] / [ ] __ [ ]   ;; either counts as right
    binyamin     => benjamin / __ [ netanyahu]        ;; only before this

A rule is `A => B`, or `A => B / C __ D`: A becomes B where C stands before and D after it. Each may
stand in [brackets] or "quotes", which keep spaces at its ends.

 1. A cursor goes through a text from left to right. The first rule of the file whose A begins
    there, between its C and D, writes B, and the cursor goes on after A. C and D are not consumed,
    and are looked up in the text as it came in: B is not filtered again. Where no rule fits, the
    character is copied (`copy_no_hit = 'F'`: left out).
 2. Before that, a text gets capitals, a space at both ends and spaces inside ( ); so `[ ] __ [ ]`
    is a whole word, the first, the last and one in parentheses included.
 3. After that, a hyphen inside a word becomes a space, ANTI-TRUST -> ANTI TRUST (option -dh, which
    hubscr.pl gives); those at its ends, which mark fragments, stay. Parentheses are closed around
    each word: (UH UM) becomes (UH) (UM).
 4. A reference (stm) is filtered as a whole; of a hypothesis (ctm) each word alone, since it has
    times there, so that rules of several words or with a neighbour in C or D do not reach it.
 5. After a line `;; INPUT_DEPENDENT_APPLICATION = "ctm"`, up to the next such line, rules are for
    inputs that this regular expression finds (stm, ctm, ref, hyp).

`[u. s.] => [{us / u. s.}]`: the parentheses, braces and `@` that come out are read by `network.py`.

Differences from csrfilt.sh: text is UTF-8 and `Ö` is one letter; in a file that is not UTF-8 each
byte is a Latin-1 letter. `max_nrules` is not needed. `=> [{a / b}`, without its `]` and context
(one rule of Kaldi's english.glm), is read as `{a / b}`; there half of it goes into the text. Of
alternatives in parentheses each may be left out, `{(he's) / (he) (is)}`; there `({he's) (/) (he)
(is})` comes out, at which sclite crashes. On texts of AMI and LibriSpeech, plain and with marks
strewn in, and the rules of english.glm, nothing else differs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from espnet_ext.config import UserError

PURPOSES = {"stm": "ref", "ctm": "hyp"}
# ;; INPUT_DEPENDENT_APPLICATION = "stm"
INPUT_LINE = re.compile(r';;\s+INPUT_DEPENDENT_APPLICATION\s*=\s*"([^"]*)"')
# * case_sensitive = 'F'
SETTING = re.compile(r"""["']([^"']*)["']""")
# the slash that begins a context: the last one, if it does not stand in brackets
UNCLOSED = re.compile(r"\[\{[^\]]*\}")
CONTEXT = re.compile(r"/(?P<left>[^/]*?)(?P<slot>_+)(?P<right>[^/]*)$")


@dataclass(frozen=True, slots=True)
class Rule:
    source: str
    target: str
    left: str = ""
    right: str = ""


@dataclass(frozen=True)
class Glm:
    """Rules of one file for one kind of input; see the top of this file.

    Args:
        rules: in the order of the file, which decides.
        per_word: filter each word alone, as in a ctm.
    """

    rules: tuple[Rule, ...]
    case_sensitive: bool = True
    copy_no_hit: bool = True
    per_word: bool = False
    _index: dict[tuple[str, bool], list[Rule]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Rules by first letter, and by whether a space must come before: most need one."""
        index = defaultdict(list)
        for rule in self.rules:
            first = self._fold(rule.source)[0]
            index[first, True].append(rule)
            if not rule.left.endswith(" "):
                index[first, False].append(rule)
        self._index.update(index)

    def __call__(self, words: list[str]) -> list[str]:
        """The words of a text after the rules; braces, slashes and (words) are words of their own.

        >>> rules = (Rule("OK", "o. k.", " ", " "), Rule("he's", "{he is / he has}", " ", " "))
        >>> Glm(rules, case_sensitive=False)("ok by-law (uh um) he's wor-".split())
        ['o.', 'k.', 'BY', 'LAW', '(UH)', '(UM)', '{', 'he', 'is', '/', 'he', 'has', '}', 'WOR-']
        """
        if self.per_word:
            return [out for word in words for out in self._filter(word)]
        return self._filter(" ".join(words))

    def _filter(self, text: str) -> list[str]:
        text = f"  {upper(text)}  ".replace("(", "( ").replace(")", " )")
        text = self.rewrite(text)
        text = re.sub(r"([^( ])-(?=[^) ])", r"\1 ", text)  # of A--B it leaves A -B
        return close_parentheses(text)

    def rewrite(self, text: str) -> str:
        """Rule 1 alone: what NIST's rfilter1 does to a line."""
        looked_up = self._fold(text)
        out, at = [], 0
        while at < len(text):
            hit = self._hit(looked_up, at)
            if hit:
                out.append(hit.target)
                at += len(hit.source)
            else:
                if self.copy_no_hit:
                    out.append(text[at])
                at += 1
        return "".join(out)

    def _hit(self, text: str, at: int) -> Rule | None:
        for rule in self._index.get((text[at], at > 0 and text[at - 1] == " "), ()):
            if text.startswith(self._fold(rule.source + rule.right), at) and text.endswith(
                self._fold(rule.left), 0, at
            ):
                return rule
        return None

    def _fold(self, text: str) -> str:
        return text if self.case_sensitive else upper(text)


def upper(text: str) -> str:
    """Capitals, a letter for a letter: `ß` stays, so that places in the text stay."""
    if text.isascii():
        return text.upper()
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def close_parentheses(text: str) -> list[str]:
    """`( UH UM ) {OK/O. K.} ( )` -> (UH), (UM), {, OK, /, O., K., }, (): words, as in sclite."""
    words, inside, braces, before = [], False, 0, ""
    for word in re.findall(r"[(){}]|[^(){}\s]+", text):
        words += ["()"] * (before + word == "()")
        before = word
        if word in "()":
            inside = word == "("
            continue
        braces += (word == "{") - (word == "}")
        parts = [word] if word in "{}" or not braces else re.findall("/|[^/]+", word)
        words += [f"({part})" if inside and part not in "{/}" else part for part in parts]
    return words


def read_glm(path: Path, kind: str) -> Glm:
    """The rules of a file for references (`stm`) or hypotheses (`ctm`).

    Raises:
        UserError: no such file; a line that is neither comment, setting nor rule (`file:line`).
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected NIST's glm file") from None
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        lines = data.decode("latin-1").splitlines()
    if not data.strip():
        raise UserError(f"{path}: empty; expected rules such as `uh => %hesitation / [ ] __ [ ]`")
    comment = re.match(r"\S*", lines[0]).group()
    rules, settings, applies = [], {"CASE_SENSITIVE": "T", "COPY_NO_HIT": "T"}, True
    for number, line in enumerate(lines, 1):
        if selector := INPUT_LINE.match(line):
            applies = _finds(selector[1], kind, f"{path}:{number}")
        if number == 1 or not line.strip() or (comment and line.startswith(comment)):
            continue
        if line.startswith("*"):
            value = SETTING.search(line)
            if not value:
                raise UserError(f"{path}:{number}: no value in quotes; expected * name = 'value'")
            settings |= {key: value[1] for key in settings if key in line.upper()}
        elif applies:
            text = line.split(comment)[0] if comment else line
            rules.append(parse_rule(text, f"{path}:{number}"))
    yes = {key: value.upper() in ("T", "TRUE", "YES") for key, value in settings.items()}
    return Glm(tuple(rules), yes["CASE_SENSITIVE"], yes["COPY_NO_HIT"], kind == "ctm")


def _finds(expression: str, kind: str, where: str) -> bool:
    try:
        return any(re.search(expression.lower(), name) for name in (kind, PURPOSES[kind]))
    except re.error as err:
        raise UserError(f"{where}: not a regular expression ({err}): {expression}") from None


def parse_rule(text: str, where: str) -> Rule:
    """`A => B / C __ D` without its comment; `where` names the line in messages.

    >>> parse_rule("uh =>  / [ ] __ [ ]", "glm:3")
    Rule(source='uh', target='', left=' ', right=' ')

    Raises:
        UserError: no arrow, nothing before it, or a slash that begins no context.
    """
    source, arrow, rest = text.strip().partition("=>")
    source = _unbox(source)
    if not arrow or not source:
        raise UserError(f"{where}: `{text.strip()}` is no rule; expected A => B / C __ D")
    slash = rest.rfind("/")
    boxed = "]" in rest[slash:] and "[" not in rest[slash : rest.find("]", slash)]
    if slash < 0 or boxed or slash < rest.rfind("}"):
        target = rest.strip()
        return Rule(source, target[1:] if UNCLOSED.fullmatch(target) else _unbox(target))
    context = CONTEXT.match(rest, slash)
    if not context:
        raise UserError(
            f"{where}: `{rest[slash:].strip()}` is no context; expected / C __ D, or [brackets] "
            "around alternatives, as in [{a / b}]"
        )
    return Rule(source, _unbox(rest[:slash]), _unbox(context["left"]), _unbox(context["right"]))


def _unbox(text: str) -> str:
    """Without spaces at the ends, then without [ ] or " " around the rest."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and (text[0] + text[-1]) in ("[]", '""') else text
