from setuptools import setup

setup(
    name="tumour-screen",
    version="1.0",
    py_modules=["screen"],
    install_requires=["numpy", "scikit-learn"],
)
