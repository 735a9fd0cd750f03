using System.Text;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// A GGUF file of a shape with random weights, as llama.cpp names them: a Llama, or a Qwen 3 with a mixture of experts. For a peer that
/// reads such files; it has no tokenizer.
/// </summary>
internal sealed class RandomGgufFile : IDisposable
{
    private const uint Version = 3;
    private const uint Unsigned = 4;
    private const uint Float = 6;
    private const uint Text = 8;
    private const int Alignment = 32;

    private readonly BinaryWriter _writer;
    private readonly TensorType _type;

    private RandomGgufFile(string file, TensorType type)
    {
        _writer = new BinaryWriter(File.Create(file));
        _type = type;
    }

    /// <summary>Writes the file.</summary>
    /// <param name="file">Where.</param>
    /// <param name="shape">The decoder.</param>
    /// <param name="type">The type of its matrices; vectors and routers are fp32.</param>
    public static void Write(string file, Shape shape, TensorType type)
    {
        using var gguf = new RandomGgufFile(file, type);
        gguf.Write([.. Settings(shape)], [.. Tensors(shape)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private static IEnumerable<(string Key, object Value)> Settings(Shape shape)
    {
        string name = shape.Experts > 0 ? "qwen3moe" : "llama";
        yield return ("general.architecture", name);
        yield return ("general.name", shape.Name);
        yield return ("tokenizer.ggml.model", "no_vocab");
        yield return ($"{name}.vocab_size", shape.Vocabulary);
        yield return ($"{name}.context_length", 8192);
        yield return ($"{name}.embedding_length", shape.Hidden);
        yield return ($"{name}.block_count", shape.Layers);
        yield return ($"{name}.feed_forward_length", shape.Intermediate);
        yield return ($"{name}.attention.head_count", shape.Heads);
        yield return ($"{name}.attention.head_count_kv", shape.KeyValueHeads);
        yield return ($"{name}.attention.key_length", shape.HeadDim);
        yield return ($"{name}.attention.value_length", shape.HeadDim);
        yield return ($"{name}.attention.layer_norm_rms_epsilon", 1e-5f);
        yield return ($"{name}.rope.dimension_count", shape.HeadDim);
        yield return ($"{name}.rope.freq_base", 10000f);
        if (shape.Experts > 0)
        {
            yield return ($"{name}.expert_count", shape.Experts);
            yield return ($"{name}.expert_used_count", shape.Chosen);
            yield return ($"{name}.expert_feed_forward_length", shape.Intermediate);
        }
    }

    /// <summary>Names and dimensions, the outermost first.</summary>
    private static IEnumerable<(string Name, int[] Shape, bool IsWide)> Tensors(Shape shape)
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        int[] experts = shape.Experts > 0 ? [shape.Experts] : [];
        string behind = shape.Experts > 0 ? "_exps" : "";
        yield return ("token_embd.weight", [shape.Vocabulary, shape.Hidden], false);
        yield return ("output_norm.weight", [shape.Hidden], true);
        for (int i = 0; i < shape.Layers; i++)
        {
            yield return ($"blk.{i}.attn_norm.weight", [shape.Hidden], true);
            yield return ($"blk.{i}.attn_q.weight", [queries, shape.Hidden], false);
            yield return ($"blk.{i}.attn_k.weight", [keys, shape.Hidden], false);
            yield return ($"blk.{i}.attn_v.weight", [keys, shape.Hidden], false);
            yield return ($"blk.{i}.attn_output.weight", [shape.Hidden, queries], false);
            yield return ($"blk.{i}.ffn_norm.weight", [shape.Hidden], true);
            if (shape.Experts > 0)
            {
                yield return ($"blk.{i}.attn_q_norm.weight", [shape.HeadDim], true);
                yield return ($"blk.{i}.attn_k_norm.weight", [shape.HeadDim], true);
                yield return ($"blk.{i}.ffn_gate_inp.weight", [shape.Experts, shape.Hidden], true);
            }

            yield return ($"blk.{i}.ffn_gate{behind}.weight", [.. experts, shape.Intermediate, shape.Hidden], false);
            yield return ($"blk.{i}.ffn_up{behind}.weight", [.. experts, shape.Intermediate, shape.Hidden], false);
            yield return ($"blk.{i}.ffn_down{behind}.weight", [.. experts, shape.Hidden, shape.Intermediate], false);
        }
    }

    private void Write((string Key, object Value)[] settings, (string Name, int[] Shape, bool IsWide)[] tensors)
    {
        _writer.Write("GGUF"u8);
        _writer.Write(Version);
        _writer.Write((ulong)tensors.Length);
        _writer.Write((ulong)settings.Length);
        foreach ((string key, object value) in settings)
        {
            WriteSetting(key, value);
        }

        long offset = 0;
        foreach ((string name, int[] shape, bool isWide) in tensors)
        {
            WriteText(name);
            _writer.Write((uint)shape.Length);
            foreach (int size in shape.Reverse())
            {
                _writer.Write((ulong)size);
            }

            // The format's numbers of fp32 and fp16.
            _writer.Write(isWide || _type == TensorType.F32 ? 0u : 1u);
            _writer.Write((ulong)offset);
            offset += Aligned(Bytes(shape, isWide));
        }

        var wide = new RandomElements(TensorType.F32, seed: 1);
        var elements = new RandomElements(_type, seed: 1);
        Pad(_writer.BaseStream.Position);
        foreach ((string _, int[] shape, bool isWide) in tensors)
        {
            long bytes = Bytes(shape, isWide);
            _writer.Flush();
            (isWide ? wide : elements).Write(_writer.BaseStream, bytes);
            Pad(bytes);
        }
    }

    private void WriteSetting(string key, object value)
    {
        WriteText(key);
        switch (value)
        {
            case string text:
                _writer.Write(Text);
                WriteText(text);
                break;
            case int number:
                _writer.Write(Unsigned);
                _writer.Write((uint)number);
                break;
            default:
                _writer.Write(Float);
                _writer.Write((float)value);
                break;
        }
    }

    private void WriteText(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _writer.Write((ulong)bytes.Length);
        _writer.Write(bytes);
    }

    private long Bytes(int[] shape, bool isWide) =>
        shape.Aggregate(1L, (product, size) => product * size) * (isWide ? sizeof(float) : _type.ElementSize());

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private void Pad(long behind) => _writer.Write(new byte[Aligned(behind) - behind]);
}
