"""What a package is called on the index where its module is called something else."""

import re

_NAMED = """
cv2=opencv-python-headless sklearn=scikit-learn PIL=pillow yaml=pyyaml skimage=scikit-image
bs4=beautifulsoup4 dateutil=python-dateutil Crypto=pycryptodome umap=umap-learn attr=attrs
dotenv=python-dotenv git=gitpython google.protobuf=protobuf google=protobuf absl=absl-py
gin=gin-config hydra=hydra-core ruamel=ruamel.yaml serial=pyserial usb=pyusb zmq=pyzmq
OpenSSL=pyopenssl jwt=pyjwt nacl=pynacl docx=python-docx pptx=python-pptx fitz=pymupdf
Levenshtein=levenshtein magic=python-magic psycopg2=psycopg2-binary MySQLdb=mysqlclient
mysql=mysql-connector-python ldap=python-ldap wx=wxpython cairo=pycairo Bio=biopython
rdkit=rdkit openbabel=openbabel-wheel mpl_toolkits=matplotlib pylab=matplotlib
pkg_resources=setuptools setuptools=setuptools pytorch_lightning=pytorch-lightning
lightning_fabric=lightning torch_geometric=torch-geometric torch_scatter=torch-scatter
torch_sparse=torch-sparse tensorflow_probability=tensorflow-probability
tensorflow_datasets=tensorflow-datasets tensorflow_hub=tensorflow-hub
tensorflow_addons=tensorflow-addons tf_keras=tf-keras
sentence_transformers=sentence-transformers faiss=faiss-cpu annoy=annoy
imblearn=imbalanced-learn mlxtend=mlxtend hdbscan=hdbscan category_encoders=category-encoders
pytorch_metric_learning=pytorch-metric-learning pytorch_tabnet=pytorch-tabnet
segmentation_models_pytorch=segmentation-models-pytorch
efficientnet_pytorch=efficientnet-pytorch pretrainedmodels=pretrainedmodels
albumentations=albumentations imgaug=imgaug skopt=scikit-optimize sksurv=scikit-survival
sktime=sktime skorch=skorch skmultilearn=scikit-multilearn sklearn_extra=scikit-learn-extra
surprise=scikit-surprise lightfm=lightfm implicit=implicit prophet=prophet fbprophet=prophet
pmdarima=pmdarima xgboost=xgboost lightgbm=lightgbm catboost=catboost statsmodels=statsmodels
gym=gym gymnasium=gymnasium ale_py=ale-py stable_baselines3=stable-baselines3
sb3_contrib=sb3-contrib pybullet_envs=pybullet mujoco_py=mujoco-py box2d=box2d Box2D=box2d
tensorboard=tensorboard torchvision=torchvision torchaudio=torchaudio flax=flax optax=optax
jaxlib=jaxlib haiku=dm-haiku dm_control=dm-control tree=dm-tree sonnet=dm-sonnet
ml_collections=ml-collections clu=clu orbax=orbax-checkpoint ml_dtypes=ml-dtypes
opt_einsum=opt-einsum pl_bolts=lightning-bolts jsonargparse=jsonargparse
memory_profiler=memory-profiler line_profiler=line-profiler prettytable=prettytable
progressbar=progressbar2 IPython=ipython ipywidgets=ipywidgets nbconvert=nbconvert
slugify=python-slugify unidecode=unidecode jose=python-jose multipart=python-multipart
socketio=python-socketio engineio=python-engineio telegram=python-telegram-bot
flask_cors=flask-cors flask_sqlalchemy=flask-sqlalchemy rest_framework=djangorestframework
websocket=websocket-client kafka=kafka-python pymongo=pymongo bson=pymongo gridfs=pymongo
sqlalchemy=sqlalchemy pyarrow=pyarrow parquet=parquet h5py=h5py tables=tables netCDF4=netcdf4
osgeo=gdal shapefile=pyshp mpl_finance=mplfinance pywt=PyWavelets pydub=pydub
soundfile=soundfile sounddevice=sounddevice python_speech_features=python-speech-features
speech_recognition=SpeechRecognition editdistance=editdistance rouge=rouge
rouge_score=rouge-score nltk=nltk sacrebleu=sacrebleu jieba=jieba konlpy=konlpy
pycocotools=pycocotools mmcv=mmcv-lite lmdb=lmdb pywintypes=pywin32 win32api=pywin32
pycuda=pycuda cupy=cupy-cuda12x graphviz=graphviz pydot=pydot pygraphviz=pygraphviz
igraph=igraph community=python-louvain networkx=networkx toolz=toolz
more_itertools=more-itertools typing_extensions=typing-extensions
importlib_metadata=importlib-metadata importlib_resources=importlib-resources
backports=backports.zoneinfo pythonjsonlogger=python-json-logger colorlog=colorlog
termcolor=termcolor tabulate=tabulate wandb=wandb mlflow=mlflow comet_ml=comet-ml
neptune=neptune clearml=clearml visdom=visdom tensorboardX=tensorboardX
tensorboard_logger=tensorboard-logger box=python-box easydict=easydict addict=addict munch=munch
yacs=yacs configargparse=configargparse tap=typed-argument-parser simple_parsing=simple-parsing
pydantic_settings=pydantic-settings ray=ray optuna=optuna ax=ax-platform nevergrad=nevergrad
bayes_opt=bayesian-optimization botorch=botorch GPy=GPy GPyOpt=GPyOpt GPflow=gpflow pymc3=pymc3
pymc=pymc arviz=arviz numpyro=numpyro pyro=pyro-ppl pystan=pystan fairseq=fairseq
clip=openai-clip open_clip=open-clip-torch einops=einops timm=timm
"""

# Modules that no package of the index brings, or one of another thing's name.
NOT_ON_THE_INDEX = frozenset({"cPickle", "apex", "detectron2", "google.colab", "__main__"})

_TABLE = dict(pair.split("=", 1) for pair in _NAMED.split())
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

# A shared library that a wheel expects of the system: the Debian package that has it.
SYSTEM_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libX11.so.6": "libx11-6",
    "libsndfile.so": "libsndfile1",
    "libsndfile.so.1": "libsndfile1",
    "libcairo.so.2": "libcairo2",
    "libportaudio.so.2": "libportaudio2",
    "libgfortran.so.5": "libgfortran5",
    "libopenblas.so.0": "libopenblas0",
    "libtk8.6.so": "libtk8.6",
    "libosmesa.so": "libosmesa6",
    "libEGL.so.1": "libegl1",
    "libglfw.so.3": "libglfw3",
}
# The package with the same module that needs no such library.
WITHOUT_A_SCREEN = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
# A program that a package starts: the Debian package that has it.
SYSTEM_PROGRAMS = {
    "dot": "graphviz",
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "git": "git",
    "gcc": "build-essential",
    "g++": "build-essential",
    "cmake": "cmake",
    "make": "make",
    "java": "default-jre-headless",
    "pdflatex": "texlive-latex-base",
    "latex": "texlive-latex-base",
    "tesseract": "tesseract-ocr",
    "swig": "swig",
}


# What people ask for by a name that the index has for nothing, or for nothing any more.
RENAMED = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv-python-headless",
    "opencv": "opencv-python-headless",
    "pil": "pillow",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "faiss": "faiss-cpu",
    "pytorch": "torch",
    "tensorflow-gpu": "tensorflow",
    "tf-nightly-gpu": "tensorflow",
    "onnxruntime-gpu": "onnxruntime",
    "faiss-gpu": "faiss-cpu",
    "paddlepaddle-gpu": "paddlepaddle",
}
# The same module from a package that has wheels.
WITH_WHEELS = {
    "psycopg2": "psycopg2-binary",
    "pillow-simd": "pillow",
    "box2d-py": "box2d",
    "python-levenshtein": "levenshtein",
    "mmcv": "mmcv-lite",
    "mmcv-full": "mmcv-lite",
}
# Parts of Python that were packages once; installed, they break it.
_IN_PYTHON = """
dataclasses enum34 pathlib typing argparse futures asyncio configparser pickle5 contextvars
functools32 unittest2 singledispatch statistics uuid
"""
IN_PYTHON = frozenset(_IN_PYTHON.split())
# How conda calls what the index calls otherwise.
CONDA_NAMES = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-base": "tensorflow",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "matplotlib-base": "matplotlib",
    "pytables": "tables",
    "msgpack-python": "msgpack",
    "python-graphviz": "graphviz",
    "seaborn-base": "seaborn",
    "gym-all": "gym",
}
# What conda alone installs, or what programs do not import.
_CONDA_ALONE = """
python pip conda cudatoolkit cudnn cuda pytorch-cuda pytorch-mutex cuda-toolkit cuda-nvcc nccl mkl
mkl-service mkl-fft mkl-random blas openblas intel-openmp openmp llvm-openmp openssl
ca-certificates readline sqlite tk xz zlib ncurses bzip2 gcc gxx gcc-linux-64 gxx-linux-64
compilers c-compiler cxx-compiler make cmake git nodejs ffmpeg graphviz freetype jpeg jpeg-turbo
lz4-c zstd icu qt qt-main pyqt sip expat fontconfig glib gstreamer pcre dbus giflib lame nettle
openh264 gnutls gmp x264 yaml tzdata python-abi openjdk mpi mpich openmpi hdf5 r-base
"""
CONDA_ALONE = frozenset(_CONDA_ALONE.split())


def family(package: str) -> str:
    """One name for packages that bring the same module.

    Args:
        package: a package's name.
    """
    name = canonical(package)
    name = canonical(RENAMED.get(name, name))
    name = re.sub(r"-(?:headless|cpu|gpu|binary|nightly)$", "", name)
    return {"opencv-contrib-python": "opencv-python", "lightning": "pytorch-lightning"}.get(
        name, name
    )


def on_the_cpu(package: str) -> str | None:
    """The package to install where there is no GPU and in today's name; None for none.

    Args:
        package: as it was asked for.
    """
    name = canonical(package)
    if name.startswith(("nvidia-", "cupy-cuda", "pytorch-triton")) or name in IN_PYTHON:
        return None
    return RENAMED.get(name, package)


def canonical(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def package_of(module: str) -> str | None:
    """The package that brings a module; None where no package of the index does.

    Args:
        module: a top-level module's name, or a dotted one that the table knows.
    """
    if module in NOT_ON_THE_INDEX:
        return None
    top = module.partition(".")[0]
    found = _TABLE.get(module, _TABLE.get(top, top))
    return found if found and _NAME.fullmatch(found) and not found.startswith("_") else None
