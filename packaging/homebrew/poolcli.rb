# A formula for a tap; CONTRIBUTING.md says under "A release" how URL and SHA256 are filled in.
class Poolcli < Formula
  desc "Pooling on the command line: max, average, global and the rest"
  url "URL"
  sha256 "SHA256"
  license "MIT"

  depends_on "python@3.13"

  def install
    system "python3.13", "-m", "venv", libexec
    system libexec/"bin/pip", "install", buildpath
    bin.install_symlink libexec/"bin/poolcli"
    man1.install_symlink libexec/"share/man/man1/poolcli.1"
    generate_completions_from_executable(bin/"poolcli", "completion")
  end

  test do
    (testpath/"tiny.csv").write("1,3\n5,6\n")
    assert_equal "6\n", shell_output("#{bin}/poolcli pool --format csv tiny.csv")
  end
end
