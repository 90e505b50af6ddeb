"""What training needs works inside: worker processes, shared memory, process groups, locks."""

from pathlib import Path

from labcrew.domain.measuring import Metric
from labcrew.domain.running import Run
from labcrew.domain.sandbox import Limits
from labcrew.domain.ticket import Ticket
from sandboxes.environments.environments import Environments
from tests.sandboxes.fixtures import Workshop, make_user

# The example's software, so that its image serves both.
REQUIREMENTS = Path(__file__).parents[2] / "examples/diabetes/repository/requirements.txt"

STANDARD_LIBRARY = """
import multiprocessing, os, socket, threading
from multiprocessing import shared_memory

def work(name, lock, queue):
    with lock:
        block = shared_memory.SharedMemory(name)
        block.buf[0] += 1
        queue.put(block.buf[0])
        block.close()

if __name__ == "__main__":
    block = shared_memory.SharedMemory(create=True, size=48 << 20)
    for method in ("fork", "forkserver", "spawn"):
        context = multiprocessing.get_context(method)
        lock, queue = context.Semaphore(1), context.Queue()
        workers = [context.Process(target=work, args=(block.name, lock, queue)) for _ in range(2)]
        [worker.start() for worker in workers]
        print(method, sorted(queue.get() for _ in workers))
        [worker.join() for worker in workers]
    block.unlink()
    threads = [threading.Thread(target=os.getpid) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with socket.create_server(("localhost", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    print(socket.gethostbyname(socket.gethostname()).startswith("127."))
"""

TORCH = """
import os, socket, multiprocessing, torch
from torch.utils.data import DataLoader, TensorDataset

def square(values, queue, done):
    queue.put(values * values)
    done.wait(60)  # shared tensors live as long as who made them

def rank(number, port, queue):
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(port))
    torch.distributed.init_process_group("gloo", rank=number, world_size=2)
    values = torch.ones(4) * (number + 1)
    torch.distributed.all_reduce(values)
    queue.put(values.tolist())
    torch.distributed.destroy_process_group()

if __name__ == "__main__":
    data = TensorDataset(torch.arange(4096.0).reshape(64, 64))
    for method in ("fork", "forkserver"):
        loader = DataLoader(data, batch_size=8, num_workers=2, multiprocessing_context=method)
        print(method, sum(batch[0].sum().item() for batch in loader))
    for strategy in sorted(torch.multiprocessing.get_all_sharing_strategies()):
        torch.multiprocessing.set_sharing_strategy(strategy)
        context = torch.multiprocessing.get_context("fork")
        queue, done = context.Queue(), context.Event()
        worker = context.Process(target=square, args=(torch.ones(2) * 3, queue, done))
        worker.start()
        print(strategy, queue.get().tolist())
        done.set()
        worker.join()
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    ranks = [context.Process(target=rank, args=(number, port, queue)) for number in range(2)]
    [process.start() for process in ranks]
    print("gloo", queue.get(), queue.get())
    [process.join() for process in ranks]
"""


TICKET = Ticket(
    title="t",
    repository=".",
    kind="implement",
    metric=Metric(name="m", direction="maximize", file="m.jsonl"),
    run=Run(command="python train.py"),
)


def test_workers_share_memory_and_locks(workshop: Workshop) -> None:
    limits = Limits(memory_mb=256, pids=64, timeout_s=60)
    spec = workshop.spec("standard", "", limits=limits, command=command(STANDARD_LIBRARY))
    result = workshop.sandboxes.run(spec)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "fork [1, 2]\nforkserver [3, 4]\nspawn [5, 6]\nTrue\n"


def test_torch_loads_shares_and_reduces(workshop: Workshop, tmp_path: Path) -> None:
    user = make_user(tmp_path / "lab")
    user.write("requirements.txt", REQUIREMENTS.read_text())
    commit = workshop.repositories.take("torch", user.path, user.commit(), snapshot=False)
    environments = Environments(workshop.sandboxes, workshop.repositories)
    image = environments.ensure(environments.plan(TICKET.environment, "torch", commit))
    limits = Limits(cpus=2, memory_mb=2048, pids=256, timeout_s=120)
    spec = workshop.spec("torch", "", image=image, limits=limits, command=command(TORCH))
    result = workshop.sandboxes.run(spec)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "fork 8386560.0",
        "forkserver 8386560.0",
        "file_descriptor [9.0, 9.0]",
        "file_system [9.0, 9.0]",
        "gloo [3.0, 3.0, 3.0, 3.0] [3.0, 3.0, 3.0, 3.0]",
    ]


def command(program: str) -> tuple[str, ...]:
    """Runs a program from a file, which worker processes read again."""
    script = 'printf %s "$1" > /tmp/main.py && exec python3 /tmp/main.py'
    return ("/bin/sh", "-c", script, "sh", program)
