"""Opens the explorer: what a Space runs, and `make run` on your machine."""

from app.ui import build, settings

demo = build()

if __name__ == "__main__":
    # max_size is set because the default is 1 on ZeroGPU: the second visitor would be turned away.
    demo.queue(max_size=32).launch(**settings())
