"""Pages before and after what an editor would do so that they can be scanned."""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple


class Rewrite(NamedTuple):
    """What was done, the part of the score that it is for, and both pages."""

    name: str
    part: str
    before: str
    after: str


def _rewrite(name: str, part: str, before: str, after: str) -> Rewrite:
    return Rewrite(name, part, dedent(before), dedent(after))


REWRITES = (
    _rewrite(
        "a wall of text is split",
        "paragraphs",
        """\
        # How jobs are placed

        The scheduler looks at every machine once a second. It asks how much memory is
        free, which accelerators are idle, and how long the queue is. A job that fits
        nowhere waits. The longer it waits, the more it counts when a place comes free.
        Small jobs may pass a large one, but only while that delays it by less than a
        minute. When a machine does not answer three times in a row, its jobs go back
        to the front of the queue, and the machine is left alone until somebody looks.
        Nothing is started twice, since each start is written down before it happens.
        """,
        """\
        # How jobs are placed

        The scheduler looks at every machine once a second. It asks how much memory is
        free, which accelerators are idle, and how long the queue is.

        A job that fits nowhere waits. The longer it waits, the more it counts when a
        place comes free. Small jobs may pass a large one, but only while that delays it
        by less than a minute.

        When a machine does not answer three times in a row, its jobs go back to the
        front of the queue, and the machine is left alone until somebody looks. Nothing
        is started twice, since each start is written down before it happens.
        """,
    ),
    _rewrite(
        "a Chinese wall of text is split",
        "paragraphs",
        """\
        # 任务如何分配

        调度器每秒查看一次所有机器，了解空闲内存、闲置的加速卡和队列长度。放不下的任务会等待，
        等得越久，空出位置时就越优先。小任务可以排到大任务前面，但大任务因此多等的时间不超过一分钟。
        如果一台机器连续三次没有应答，它的任务回到队列最前面，这台机器在有人检查之前不再使用。
        每次启动都会先写入记录，所以同一个任务不会启动两次。记录保存三十天，之后自动归档。
        """,
        """\
        # 任务如何分配

        调度器每秒查看一次所有机器，了解空闲内存、闲置的加速卡和队列长度。

        放不下的任务会等待，等得越久，空出位置时就越优先。小任务可以排到大任务前面，
        但大任务因此多等的时间不超过一分钟。

        如果一台机器连续三次没有应答，它的任务回到队列最前面，这台机器在有人检查之前不再使用。

        每次启动都会先写入记录，所以同一个任务不会启动两次。记录保存三十天，之后自动归档。
        """,
    ),
    _rewrite(
        "headings are added",
        "anchors",
        """\
        # Storage

        Checkpoints go to the fast disk first. From there a second process copies them
        to the shared storage, so training never waits for the network.

        Each copy is checked against its digest. A copy that differs is made again, and
        after three failures the run goes on while an operator is told.

        Old checkpoints are thinned out. Of those of the last day all are kept, of those
        of the last week one an hour, of older ones one a day.

        Datasets are read through a cache of their own. It holds whole shards, and
        throws out what was not read for longest.
        """,
        """\
        # Storage

        Checkpoints go to the fast disk first. From there a second process copies them
        to the shared storage, so training never waits for the network.

        ## Checked copies

        Each copy is checked against its digest. A copy that differs is made again, and
        after three failures the run goes on while an operator is told.

        ## Retention

        Old checkpoints are thinned out. Of those of the last day all are kept, of those
        of the last week one an hour, of older ones one a day.

        ## Dataset cache

        Datasets are read through a cache of their own. It holds whole shards, and
        throws out what was not read for longest.
        """,
    ),
    _rewrite(
        "headings are added to a Chinese page",
        "anchors",
        """\
        # 存储

        检查点先写入高速磁盘，再由另一个进程复制到共享存储。训练因此不必等待网络，
        网络中断时也能继续。复制进度可以在面板上看到。

        每份副本都会与摘要核对。不一致的副本会重新复制，连续失败三次后通知管理员，
        训练本身不受影响。核对结果记录在日志里。

        旧检查点逐步精简。最近一天的全部保留，最近一周的每小时保留一份，更早的每天保留一份。
        保留规则可以按项目修改。

        数据集通过单独的缓存读取。缓存以分片为单位，最久没有读取的分片最先移出。
        缓存大小由管理员决定，默认占磁盘的三成。

        日志按任务分开存放，每个任务一个目录。任务结束九十天后日志自动压缩，一年后移到归档存储。
        需要长期保存的日志可以提前标记。
        """,
        """\
        # 存储

        检查点先写入高速磁盘，再由另一个进程复制到共享存储。训练因此不必等待网络，
        网络中断时也能继续。复制进度可以在面板上看到。

        ## 副本核对

        每份副本都会与摘要核对。不一致的副本会重新复制，连续失败三次后通知管理员，
        训练本身不受影响。核对结果记录在日志里。

        ## 保留规则

        旧检查点逐步精简。最近一天的全部保留，最近一周的每小时保留一份，更早的每天保留一份。
        保留规则可以按项目修改。

        ## 数据集缓存

        数据集通过单独的缓存读取。缓存以分片为单位，最久没有读取的分片最先移出。
        缓存大小由管理员决定，默认占磁盘的三成。

        ## 日志

        日志按任务分开存放，每个任务一个目录。任务结束九十天后日志自动压缩，一年后移到归档存储。
        需要长期保存的日志可以提前标记。
        """,
    ),
    _rewrite(
        "steps are numbered",
        "steps",
        """\
        # Set up a workspace

        Create an environment:

        ```bash
        python -m venv .venv
        ```

        Install the requirements:

        ```bash
        pip install -r requirements.txt
        ```

        Start the server:

        ```bash
        python serve.py
        ```
        """,
        """\
        # Set up a workspace

        1. Create an environment:

           ```bash
           python -m venv .venv
           ```

        2. Install the requirements:

           ```bash
           pip install -r requirements.txt
           ```

        3. Start the server:

           ```bash
           python serve.py
           ```
        """,
    ),
    _rewrite(
        "Chinese steps are numbered",
        "steps",
        """\
        # 准备工作区

        创建虚拟环境：

        ```bash
        python -m venv .venv
        ```

        安装依赖：

        ```bash
        pip install -r requirements.txt
        ```

        启动服务：

        ```bash
        python serve.py
        ```
        """,
        """\
        # 准备工作区

        1. 创建虚拟环境：

           ```bash
           python -m venv .venv
           ```

        2. 安装依赖：

           ```bash
           pip install -r requirements.txt
           ```

        3. 启动服务：

           ```bash
           python serve.py
           ```
        """,
    ),
    _rewrite(
        "each action gets a step of its own",
        "steps",
        """\
        # Release

        1. Update the version, commit the change, and push the branch.
        2. Open the release page.
        """,
        """\
        # Release

        1. Update the version.
        2. Commit the change.
        3. Push the branch.
        4. Open the release page.
        """,
    ),
    _rewrite(
        "a command goes into a fence",
        "steps",
        """\
        # Check the driver

        1. Open a terminal on the host.
        2. Run `nvidia-smi -q -d MEMORY`.
        """,
        """\
        # Check the driver

        1. Open a terminal on the host.
        2. Run:

           ```bash
           nvidia-smi -q -d MEMORY
           ```

           You should see the memory of each card.
        """,
    ),
    _rewrite(
        "a hazard comes forward",
        "hazards",
        """\
        # Clean up

        Each experiment leaves a volume behind, and after some weeks they fill the disk.
        The names tell whose they are. Do not remove a volume that is in use: all data
        in it will be permanently deleted. Ask its owner first.

        ```bash
        docker volume prune
        ```
        """,
        """\
        # Clean up

        Each experiment leaves a volume behind, and after some weeks they fill the disk.
        The names tell whose they are. Ask the owner first.

        🔴 **Danger**: Do not remove a volume that is in use: all data in it will be
        permanently deleted.

        ```bash
        docker volume prune
        ```
        """,
    ),
    _rewrite(
        "a Chinese hazard comes forward",
        "hazards",
        """\
        # 清理

        每次实验都会留下一个数据卷，几周后磁盘就满了。请勿删除正在使用的数据卷，
        否则其中的数据将永久丢失，无法恢复。名称说明了它属于谁。

        ```bash
        docker volume prune
        ```
        """,
        """\
        # 清理

        每次实验都会留下一个数据卷，几周后磁盘就满了。名称说明了它属于谁。

        🔴 **危险**：请勿删除正在使用的数据卷，否则其中的数据将永久丢失，无法恢复。

        ```bash
        docker volume prune
        ```
        """,
    ),
    _rewrite(
        "results are added",
        "results",
        """\
        # Verify the image

        Print the version of the framework:

        ```bash
        python -c "import torch; print(torch.__version__)"
        ```

        Count the accelerators:

        ```bash
        python -c "import torch; print(torch.cuda.device_count())"
        ```
        """,
        """\
        # Verify the image

        Print the version of the framework:

        ```bash
        python -c "import torch; print(torch.__version__)"
        ```

        ✅ **Expected result**: it prints the version that the lock names.

        Count the accelerators:

        ```bash
        python -c "import torch; print(torch.cuda.device_count())"
        ```

        You should see the number of cards in the host.
        """,
    ),
    _rewrite(
        "results are added to a Chinese page",
        "results",
        """\
        # 检查镜像

        打印框架版本：

        ```bash
        python -c "import torch; print(torch.__version__)"
        ```

        查看加速卡数量：

        ```bash
        python -c "import torch; print(torch.cuda.device_count())"
        ```
        """,
        """\
        # 检查镜像

        打印框架版本：

        ```bash
        python -c "import torch; print(torch.__version__)"
        ```

        ✅ **预期结果**：打印锁文件中的版本。

        查看加速卡数量：

        ```bash
        python -c "import torch; print(torch.cuda.device_count())"
        ```

        输出应为主机上的加速卡数量。
        """,
    ),
    _rewrite(
        "long sentences are cut",
        "readability",
        """\
        # Networking

        The library, which asks each machine what its cards can do when a job starts,
        uses remote direct memory access where the people who run the cluster have set
        it up on all of them, and else sends its data over plain sockets.
        """,
        """\
        # Networking

        The library asks each machine what its cards can do when a job starts. Where
        remote direct memory access is set up on all of them, it is used. Else data goes
        over plain sockets.
        """,
    ),
    _rewrite(
        "long Chinese sentences are cut",
        "readability",
        """\
        # 网络

        这一节说明机器之间如何通信。这里只讲训练任务。

        不同机器的加速卡的通信的方式由通信库在初始化时根据所有参与机器的网卡的能力自动协商决定，在管理员正确配置了远程直接内存访问的情况下，会优先使用这种方式，否则，会使用普通的套接字，速度会慢一些。
        """,
        """\
        # 网络

        这一节说明机器之间如何通信。这里只讲训练任务。

        任务启动时，通信库会询问每台机器的网卡能力。配置了远程直接内存访问的机器优先使用这种方式。其他机器使用普通套接字，速度较慢。
        """,
    ),
    _rewrite(
        "items begin with what tells them apart",
        "openings",
        """\
        # Options

        - With this option you choose the port.
        - With this option you choose the host.
        - With this option you set the token.
        """,
        """\
        # Options

        - Port on which the server listens.
        - Host name that it binds to.
        - Token that a client must send.
        """,
    ),
    _rewrite(
        "Chinese items begin with what tells them apart",
        "openings",
        """\
        # 选项

        - 通过这个选项可以设置端口。
        - 通过这个选项可以设置主机。
        - 通过这个选项可以设置令牌。
        """,
        """\
        # 选项

        - 端口：服务监听的端口。
        - 主机：服务绑定的地址。
        - 令牌：客户端必须提供。
        """,
    ),
    _rewrite(
        "decoration goes",
        "marks",
        """\
        # 📌 Overview

        💡 The image is built once.

        ✅ It is the same everywhere.

        🔧 Nothing has to be installed.

        📈 It starts in two seconds.
        """,
        """\
        # Overview

        The image is built once.

        It is the same everywhere.

        Nothing has to be installed.

        It starts in two seconds.
        """,
    ),
)
