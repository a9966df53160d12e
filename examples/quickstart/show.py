"""Print what this image is made of, and add two numbers where there is a GPU."""

import sys

import jupyterlab
import torch
import torchvision

print("Python       ", sys.version.split()[0])
print("torch        ", torch.__version__)
print("torchvision  ", torchvision.__version__)
print("JupyterLab   ", jupyterlab.__version__)
print("CUDA         ", torch.version.cuda)
print("cuDNN        ", torch.backends.cudnn.version())
print("NCCL         ", ".".join(str(part) for part in torch.cuda.nccl.version()))
print("kernels for  ", " ".join(torch._C._cuda_getArchFlags().split()))
if torch.cuda.is_available():
    total = torch.ones(2, device="cuda").sum().item()
    print("GPU          ", torch.cuda.get_device_name(), "and 1 + 1 =", total)
else:
    print("GPU           none on this machine")
