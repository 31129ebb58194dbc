"""A page as a list of blocks, and the Markdown that they become. Their text is Markdown, too."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """Paragraphs; lines may be broken anywhere."""

    text: str


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Code:
    lines: list[str]


@dataclass(frozen=True)
class Bullets:
    items: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """`path` as seen from the page."""

    path: str
    caption: str

    @property
    def alt(self) -> str:
        """The caption up to its first colon or full stop."""
        return self.caption.partition(":")[0].partition(".")[0]


Block = Heading | Text | Table | Code | Bullets | Picture


def to_markdown(blocks: list[Block]) -> str:
    """Blocks with an empty line between."""
    return "\n".join(_markdown(block) for block in blocks)


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}\n"
        case Text(text):
            return text if text.endswith("\n") else text + "\n"
        case Table(head, rows):
            lines = [head, ["---"] * len(head), *rows]
            return "".join(
                "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n"
                for row in lines
            )
        case Code(lines):
            return "\n".join(["```", *lines, "```"]) + "\n"
        case Bullets(items):
            return "".join(f"- {item}\n" for item in items)
        case Picture(path, caption):
            return f"![{block.alt}]({path})\n\n{caption}\n"
