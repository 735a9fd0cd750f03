using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;

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

    /// <summary>The tensors of these names become zero.</summary>
    public void Clear(Func<string, bool> tensors) => Fill(tensors, 0);

    /// <summary>The fp32 tensors of these names have this value everywhere.</summary>
    public void Fill(Func<string, bool> tensors, float value)
    {
        byte[] bytes = File.ReadAllBytes(TensorFile);
        foreach (TensorEntry tensor in SafetensorsWriter.Read(bytes).Tensors.Where(tensor => tensors(tensor.Name)))
        {
            MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)tensor.Begin, (int)tensor.Length)).Fill(value);
        }

        File.WriteAllBytes(TensorFile, bytes);
    }

    /// <summary>An option of the configuration has another value.</summary>
    public void Configure(string option, JsonNode value)
    {
        string file = System.IO.Path.Combine(Path, "adapter_config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(file))!;
        config[option] = value;
        File.WriteAllText(file, config.ToJsonString());
    }

    public void Dispose() => _folder.Dispose();
}
