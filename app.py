"""The browser demo: ``python app.py``, or this repository pushed to a Hugging Face Space."""

from __future__ import annotations

import argparse
import os
import sys
import threading

import ner_app.stubs  # noqa: F401 (before Gradio: makes its import quicker)

# isort: split
import gradio as gr

from model_zoo.catalog.layout import AUTO
from ner_app.address import check_address
from ner_app.api import build_api
from ner_app.compare import build_compare_tab
from ner_app.documents import build_documents_tab
from ner_app.models import build_models_tab
from ner_app.preparing import models_to_prepare, prepare
from ner_app.programs import Programs
from ner_app.service import Service
from ner_app.templating import render
from ner_app.text import build_text_tab
from ner_app.web import launch


def build_demo(service: Service | None = None) -> gr.Blocks:
    """Assemble the page.

    Parameters
    ----------
    service : Service or None
        Answers; by default one for the model named by ``NER_DEFAULT_MODEL``, else ``auto``.
    """
    service = service or Service()
    # Uploads and results are deleted an hour after they came.
    with gr.Blocks(
        title="Names in text", analytics_enabled=False, delete_cache=(600, 3600), fill_width=True
    ) as demo:
        gr.HTML(render("masthead.html"), apply_default_css=False)
        with gr.Tabs():
            with gr.Tab("Text", id="text"):
                build_text_tab(service)
            with gr.Tab("Compare", id="compare"):
                build_compare_tab(service)
            with gr.Tab("Documents", id="documents"):
                build_documents_tab(service)
            with gr.Tab("Models", id="models"):
                build_models_tab(service)
        build_api(demo, Programs(service))
    demo.queue(max_size=service.limits.queue, default_concurrency_limit=4)
    return demo


try:
    service = Service(os.environ.get("NER_DEFAULT_MODEL") or AUTO)
except ValueError as error:  # a variable of the environment has a value that it cannot have
    sys.exit(str(error))
demo = build_demo(service)


def main() -> None:
    """Start the page; address and port are Gradio's own: ``GRADIO_SERVER_NAME``, ``GRADIO_SERVER_PORT``."""
    usage = "[GRADIO_SERVER_NAME=ADDRESS] [GRADIO_SERVER_PORT=PORT] python app.py"
    argparse.ArgumentParser(usage=usage, description="Start the page.").parse_args()
    try:
        check_address()
    except ValueError as error:
        sys.exit(str(error))
    threading.Thread(target=service.warm_up, daemon=True).start()
    threading.Thread(target=prepare, args=(service, models_to_prepare()), daemon=True).start()
    launch(demo, service)


if __name__ == "__main__":
    main()
