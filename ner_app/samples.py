"""The examples of the Text tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from model_zoo.catalog.layout import OTHER_LANGUAGES_MODEL

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["SAMPLES", "Sample", "samples_for"]


class Sample(NamedTuple):
    """A text, and the button that brings it; the language as a tag of BCP 47."""

    title: str
    text: str
    language: str = "en"


SAMPLES = (
    Sample(
        "News",
        "Berlin, 4 May - Siemens and the Technical University of Munich opened a laboratory on Tuesday.\n"
        'Chancellor Olaf Scholz called it "a good day for Bavaria"; Ursula von der Leyen sent a video '
        "message from Brussels. Scholz and Siemens will meet again in Munich.",
    ),
    Sample("A sentence", "Mary lives in Santa Clara and works at NVIDIA."),
    Sample(
        "Sports",
        "Roger Federer beat Rafael Nadal 6-4 7-6 at Wimbledon on Sunday. The Swiss champion thanked his "
        "coach, Ivan Ljubicic, and the All England Club.",
    ),
    Sample(
        "A support ticket",
        "Hi, this is Priya Raman from Acme Logistics in Rotterdam.\n\n"
        "Since Monday our Oracle export fails. Could José Álvarez or Zoë O'Connor call me back?\n\n"
        "Thanks, Priya",
    ),
    Sample(
        "Deutsch",
        "Am Dienstag eröffnete Siemens zusammen mit der Technischen Universität München ein Labor in "
        "Garching. Anna Leitner vom Bayerischen Rundfunk sprach mit Forschern aus Österreich und Polen.",
        "de",
    ),
    Sample(
        "Español",
        "La alcaldesa de Valencia, Carmen Ruiz, recibió el martes a los directivos de Iberdrola. La empresa "
        "abrirá una oficina en Alicante y contratará a cien ingenieros de la Universidad Politécnica.",
        "es",
    ),
    Sample(
        "Français",
        "Camille Laurent, directrice du musée des Beaux-Arts de Lyon, a signé lundi un accord avec la Banque "
        "de France. L'exposition partira ensuite pour Bruxelles et Genève.",
        "fr",
    ),
    Sample(
        "Polski",
        "Prezydent Gdańska spotkał się w środę z zarządem firmy Orlen. Katarzyna Nowak z Politechniki "
        "Gdańskiej powiedziała, że nowe laboratorium powstanie w Sopocie.",
        "pl",
    ),
    Sample(
        "Русский",
        "Во вторник директор Эрмитажа Анна Петрова приехала из Санкт-Петербурга в Казань. Музей и Казанский "
        "университет откроют общую выставку.",
        "ru",
    ),
    Sample(
        "中文",
        "星期二，华为公司和清华大学在北京签署了合作协议。校方代表王小明说，新的实验室将设在上海。",
        "zh",
    ),
)


def samples_for(models: Collection[str]) -> list[Sample]:
    """Return the samples that the models of this machine can be asked about."""
    return [one for one in SAMPLES if one.language == "en" or OTHER_LANGUAGES_MODEL in models]
