"""What the headings of technical pages are about, in English and Chinese alike.

Translations of a page have other headings in other words. Most are about the same few
things, and these words tell which heading translates which.
"""

from __future__ import annotations

import re

__all__ = ["concepts"]

_TABLE = """
overview introduction about summary background | 概述 概览 简介 介绍 总览 背景
create new add | 创建 新建 新增 添加
delete remove uninstall | 删除 移除 卸载
parameter option argument attribute propertie | 参数 选项 属性
example demo sample case | 示例 样例 例子 案例 演示 范例
install installation setup set | 安装 搭建
configure configuration config configuring setting | 配置 设置
description explanation | 描述 说明 解释
faq question problem issue | 常见问题 问题 疑问
troubleshooting error | 故障 排查 报错 错误
use usage using | 使用 用法 用途
requirement prerequisite prepare preparation before preparing | 要求 条件 准备 前提
dataset data | 数据
train training | 训练
test testing evaluate evaluation validation validate | 测试 评估 评测 验证 校验
inference infer predict prediction | 推理 预测
deploy deployment deploying | 部署
model | 模型
result output | 结果 输出
input | 输入
environment | 环境
download | 下载
build building compile compilation | 编译 构建
start quickstart starting started | 快速 入门 开始 启动
feature highlight | 特性 功能 亮点 特点
design | 设计
resource | 资源
component module | 组件 模块
event | 事件
method function api | 方法 函数 接口
style theme | 样式 主题
update changelog news release changes upgrade | 更新 日志 新闻 动态 发布 升级
license | 许可 协议
contribute contributing contribution contributor | 贡献
cite citation reference | 引用 参考
community contact | 社区 联系 交流
task job | 任务 作业
workflow pipeline process | 工作流 流程 产线
performance speed benchmark | 性能 速度 基准
visual visualization visualize | 可视化
security permission | 安全 权限
table | 表
log logging | 日志
interface page | 界面 页面
service server serving | 服务
custom customize customizing customization | 自定义
format | 格式
convert conversion transform | 转换 变换
next | 下一步 后续
see related | 参见 相关 另请
when | 何时
"""
"""A line for each: English words without their plural, then Chinese ones."""

_WORD = re.compile(r"[a-z]{3,}")


def _tables() -> tuple[dict[str, str], dict[str, str]]:
    english: dict[str, str] = {}
    chinese: dict[str, str] = {}
    for line in _TABLE.strip().splitlines():
        left, _, right = line.partition("|")
        name = left.split()[0]
        english |= dict.fromkeys(left.split(), name)
        chinese |= dict.fromkeys(right.split(), name)
    return english, chinese


_ENGLISH, _CHINESE = _tables()
_CHINESE_WORD = re.compile("|".join(sorted(_CHINESE, key=len, reverse=True)))


def concepts(title: str) -> frozenset[str]:
    """Return what a heading is about; equal for a heading and its translation."""
    plain = title.lower()
    words = (word.removesuffix("s") for word in _WORD.findall(plain))
    found = {_ENGLISH[word] for word in words if word in _ENGLISH}
    found.update(_CHINESE[word] for word in _CHINESE_WORD.findall(title))
    return frozenset(found)
