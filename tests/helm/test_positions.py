from __future__ import annotations

from boathook.helm.positions import template_line

TEMPLATE = "kind: Job\nmetadata:\n  name: {{ .Release.Name }}\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n"


def test_a_line_that_was_rendered_unchanged_is_found_in_its_template() -> None:
    assert template_line(TEMPLATE, "kind: Job\nmetadata:\n  name: demo\nspec: {}\n", 4) == 5


def test_a_line_that_was_filled_in_is_not_guessed() -> None:
    assert template_line(TEMPLATE, "kind: Job\nmetadata:\n  name: demo\nspec: {}\n", 3) is None


def test_a_line_that_a_loop_repeats_is_not_guessed() -> None:
    assert template_line("{{ range . }}\n- a\n{{ end }}\n", "- a\n- a\n", 2) is None


def test_of_equal_lines_the_one_at_the_same_turn_is_meant() -> None:
    assert template_line("a:\n  x: 1\nb:\n  x: 1\n", "a:\n  x: 1\nb:\n  x: 1\n", 4) == 4
