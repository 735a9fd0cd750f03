using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>A copy of an adapter of the fixture that a test may change, until disposed.</summary>
internal sealed class CopiedAdapter : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CopiedAdapter(string name) => Become(name);

    public string Path => _folder.Path;

    public string TensorFile => System.IO.Path.Combine(Path, "adapter_model.safetensors");

    /// <summary>Has the files of another adapter from now on.</summary>
    public void Become(string name)
    {
        foreach (string file in Directory.GetFiles(SteppedEngine.AdapterFolder(name)))
        {
            _folder.Write(System.IO.Path.GetFileName(file), File.ReadAllBytes(file));
        }
    }

    /// <summary>One bit of the last weight changes; nothing that the header says does.</summary>
    public void FlipLastBit()
    {
        byte[] bytes = File.ReadAllBytes(TensorFile);
        bytes[^4] ^= 1;
        File.WriteAllBytes(TensorFile, bytes);
    }

    public void Dispose() => _folder.Dispose();
}
