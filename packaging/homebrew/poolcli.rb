class Poolcli < Formula
  include Language::Python::Virtualenv

  desc "Pooling on the command line: max, average, global and the rest"
  homepage "https://pypi.org/project/poolcli/"
  url "https://files.pythonhosted.org/packages/source/p/poolcli/poolcli-1.0.0rc1.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000" # of the release
  license "MIT"

  depends_on "numpy"
  depends_on "pillow"
  depends_on "python@3.13"

  # brew update-python-resources poolcli: orjson, rich, typer and what they need

  def install
    virtualenv_install_with_resources
    generate_completions_from_executable(bin/"poolcli", "completion")
  end

  test do
    (testpath/"tiny.csv").write("1,3\n5,6\n")
    assert_equal "6\n", shell_output("#{bin}/poolcli pool --format csv tiny.csv")
  end
end
