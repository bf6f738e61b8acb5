"""SIGTERM under load: who was accepted is answered, and nobody sees a reset. Clients of our own (load.c)
count exactly; wrk adds to the load, and must see no error but that nobody listens any more."""

from by_node import HERE, environment, has, install
from by_wrk import Wrk
from service import run


def end(service, answers):
    run(service.programs / "load", service.port, service.tls_port, service.folder / "ca.pem",
        service.process.pid, answers)
    service.process.wait(60)


def check_under_load(service):
    with Wrk(service, f"{service.url}/"):
        end(service, 2000)


def check_under_load_by_tls(service):
    with Wrk(service, f"{service.tls_url}/"):
        end(service, 2000)


def check_while_bodies_are_on_their_way(service):
    with Wrk(service, f"{service.url}/numbers?count=20000"):
        end(service, 500)


def check_at_the_first_requests(service):
    end(service, 1)


def check_websockets_are_told(service):
    install()
    if has("ws"):
        run("node", HERE / "goodbye.js", service.url, service.process.pid, env=environment(service))
        service.process.wait(60)
