using System.Globalization;
using System.Text;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What a process holds at once while a model is loaded: what is packed, and the tensor at hand.</summary>
internal sealed class LoadMemoryTests
{
    private const string Folder = "SLORA_TEST_MODEL_FOLDER";
    private const int Hidden = 512, Intermediate = 2048, Vocabulary = 32768, Layers = 5;

    // What is not weights: code that is compiled, memory for rows, pages of 2 MiB that are not full.
    private const long Besides = 24L << 20;

    private static readonly (string Name, int Rows, int Columns)[] _matrices =
    [
        ("self_attn.q_proj", Hidden, Hidden), ("self_attn.k_proj", Hidden, Hidden), ("self_attn.v_proj", Hidden, Hidden),
        ("self_attn.o_proj", Hidden, Hidden), ("mlp.gate_proj", Intermediate, Hidden), ("mlp.up_proj", Intermediate, Hidden),
        ("mlp.down_proj", Hidden, Intermediate),
    ];

    private static long Weights => ((long)Vocabulary * Hidden) + (Layers * _matrices.Sum(matrix => (long)matrix.Rows * matrix.Columns));

    [Test]
    public void The_peak_is_what_is_packed_and_the_largest_tensor()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("The peak of a process is what Linux says of it.");
        }

        using var folder = new TemporaryFolder();
        WriteModel(folder.Path);
        string[] lines = ChildProcess.Run(Load, (Folder, folder.Path)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines[0] == "no peak")
        {
            Assert.Ignore("The system does not let a process begin its peak anew.");
        }

        long table = (long)Vocabulary * Hidden * 2;
        Assert.Multiple(() =>
        {
            foreach (string line in lines)
            {
                // An embedding table is a copy where the file is not mapped, and counts once more while it is the tensor at hand.
                string[] words = line.Split(' ');
                double bytes = words[0] switch { "AsStored" => 2, "Int8" => 68.0 / 64, _ => 1 };
                long kept = (long)(bytes * Weights) + (words[1] == "Read" ? table : 0);
                Assert.That(
                    long.Parse(words[2], CultureInfo.InvariantCulture), Is.LessThan(kept + table + Besides).And.GreaterThan(kept / 2),
                    $"{line} of {kept}");
            }
        });
    }

    /// <summary>Writes the peak of each way to load.</summary>
    internal static void Load()
    {
        // A small model first: what the runtime takes for itself is no weight.
        _ = ImageStart.Of(RepositoryFolder.Fixture("core-llama-gqa", "model"), "Int8");
        foreach ((CpuWeights weights, ModelAccess access) in ((CpuWeights, ModelAccess)[])
            [
                (CpuWeights.AsStored, ModelAccess.Map), (CpuWeights.Int8, ModelAccess.Map), (CpuWeights.Int8, ModelAccess.Read),
                (CpuWeights.Int4, ModelAccess.Map),
            ])
        {
            GC.Collect();
            if (!TryBeginPeak())
            {
                Console.WriteLine("no peak");
                return;
            }

            long before = Status("VmHWM");
            using var engine = new SteppedEngine(builder => builder
                .UseModel(Environment.GetEnvironmentVariable(Folder)!, access)
                .ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 16)
                .UseCpu(cpu => (cpu.Weights, cpu.Threads) = (weights, 2)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{weights} {access} {Status("VmHWM") - before}"));
        }
    }

    private static bool TryBeginPeak()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long Status(string name)
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[(name.Length + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>A Llama whose weights are all 0: a file with a hole, which takes no time to write.</summary>
    private static void WriteModel(string folder)
    {
        File.WriteAllText(
            Path.Combine(folder, "config.json"),
            $$"""
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": {{Vocabulary}}, "hidden_size": {{Hidden}},
              "intermediate_size": {{Intermediate}}, "num_hidden_layers": {{Layers}}, "num_attention_heads": 8, "num_key_value_heads": 8,
              "hidden_act": "silu", "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "tie_word_embeddings": false, "eos_token_id": 2, "torch_dtype": "bfloat16"
            }
            """);
        var header = new StringBuilder();
        long at = 0;
        Add("model.embed_tokens", Vocabulary, Hidden);
        for (int layer = 0; layer < Layers; layer++)
        {
            foreach ((string name, int rows, int columns) in _matrices)
            {
                Add($"model.layers.{layer}.{name}", rows, columns);
            }

            Add($"model.layers.{layer}.input_layernorm", Hidden);
            Add($"model.layers.{layer}.post_attention_layernorm", Hidden);
        }

        Add("model.norm", Hidden);
        Add("lm_head", Vocabulary, Hidden);
        byte[] text = Encoding.UTF8.GetBytes($"{{{header}}}".PadRight((header.Length + 2 + 7) & -8));
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        file.Write(BitConverter.GetBytes((long)text.Length));
        file.Write(text);
        file.SetLength(file.Position + at);

        void Add(string name, params int[] shape)
        {
            long bytes = shape.Aggregate(2L, (product, size) => product * size);
            header.Append(CultureInfo.InvariantCulture, $"{(at == 0 ? "" : ",")}\"{name}.weight\":");
            header.Append(CultureInfo.InvariantCulture, $"{{\"dtype\":\"BF16\",\"shape\":[{string.Join(',', shape)}],");
            header.Append(CultureInfo.InvariantCulture, $"\"data_offsets\":[{at},{at + bytes}]}}");
            at += bytes;
        }
    }
}
