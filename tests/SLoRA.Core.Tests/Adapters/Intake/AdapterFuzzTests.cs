using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Formats.Mlx;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Damaged adapters load, or fail with the one error that belongs to them; nothing else ever comes out.</summary>
internal sealed class AdapterFuzzTests
{
    private static readonly ImmutableArray<TargetModule> Targets = FixtureModel.Targets("core-llama-gqa");
    private static readonly string[] Configs =
    [
        .. FixtureModel.Adapters("core-llama-gqa")
            .Select(adapter => File.ReadAllText(Path.Combine(FixtureModel.AdapterPath("core-llama-gqa", adapter), "adapter_config.json"))),
    ];

    private static readonly JsonSerializerOptions Lines = new() { WriteIndented = true };

    private static readonly string[] Pieces =
    [
        "null", "true", "false", "{}", "[]", "\"\"", "-1", "0", "1e400", "1.5", "99999999999999999999", "\"\\ud800\"", "\"(\"",
        "\"(?P<a>\"", "\".*\"", "\"[\"",
        "[\"q_proj\"]", "{\"q_proj\":1}", "{\"(\":1}", ",", ":", "\"", "{", "[", "}", "]", "\0", "é", "\"(a*)*b\"", "\"(?=(.+)+!)\"",
        "\"a{1000}{1000}\"",
    ];

    [SeededProperty(MaxTest = 400)]
    public Property A_damaged_configuration_is_one_typed_error(int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder(Configs[random.Next(Configs.Length)]);
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            Damage(text, random);
        }

        Try(new TensorPackage("tenant", Encoding.UTF8.GetBytes(text.ToString()), [], [], 0));
        Try(WithTensorsOf("patterns", text.ToString()));
        return true.ToProperty();
    }

    [SeededProperty(MaxTest = 150)]
    public Property Damaged_bytes_of_the_configuration_are_one_typed_error(int seed)
    {
        var random = new Random(seed);
        byte[] bytes = Encoding.UTF8.GetBytes(Configs[random.Next(Configs.Length)]);
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        Try(new TensorPackage("tenant", bytes, [], [], 0));
        return true.ToProperty();
    }

    [SeededProperty(MaxTest = 150)]
    public Property A_damaged_tensor_file_is_one_typed_error(int seed)
    {
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        string source = FixtureModel.AdapterPath("core-llama-gqa", random.Next(2) == 0 ? "bf16" : "embed-only");
        File.Copy(Path.Combine(source, "adapter_config.json"), Path.Combine(folder.Path, "adapter_config.json"));
        byte[] bytes = File.ReadAllBytes(Path.Combine(source, "adapter_model.safetensors"));
        File.WriteAllBytes(Path.Combine(folder.Path, "adapter_model.safetensors"), Damaged(bytes, random));
        Try(new AdapterFolder("tenant", folder.Path));
        return true.ToProperty();
    }

    [SeededProperty(MaxTest = 200)]
    public Property A_damaged_folder_of_MLX_is_one_typed_error(int seed)
    {
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        MlxFolder mlx = MlxFolder.Of(FixtureModel.AdapterPath("core-llama-gqa", "bf16"));
        mlx.Parameters["keys"] = new JsonArray([.. mlx.Tensors.Select(tensor => string.Join('.', tensor.Name.Split('.')[3..^1])).Distinct()
            .Select(key => JsonValue.Create(key))]);
        mlx.Write(folder.Path);
        string config = Path.Combine(folder.Path, "adapter_config.json"), tensors = Path.Combine(folder.Path, "adapters.safetensors");
        if (random.Next(2) == 0)
        {
            // A line for each option, as it is written by people's programs.
            var text = new StringBuilder(mlx.Config.ToJsonString(Lines));
            for (int changes = random.Next(1, 5); changes > 0; changes--)
            {
                Damage(text, random);
            }

            File.WriteAllText(config, text.ToString());
        }
        else
        {
            File.WriteAllBytes(tensors, Damaged(File.ReadAllBytes(tensors), random));
        }

        Try(new AdapterFolder("tenant", folder.Path).ForBase(new AdapterBase(default, new MlxBase("LlamaForCausalLM", 3))));
        return true.ToProperty();
    }

    [SeededProperty(MaxTest = 200)]
    public Property Tensors_with_other_names_shapes_or_types_are_one_typed_error_or_belong(int seed)
    {
        var random = new Random(seed);
        ImmutableArray<TargetModule> targets = TestAdapter.Model(2, 6, 4, vocabulary: 5);
        TestAdapter adapter = TestAdapter.For(targets, _ => 2, _ => TensorType.F32);
        int at = random.Next(adapter.Tensors.Count);
        (string name, string dtype, long[] shape, byte[] data) = adapter.Tensors[at];
        TensorType type = (TensorType)random.Next((int)TensorType.Bool + 1);
        switch (random.Next(5))
        {
            case 0:
                adapter.Tensors[at] = (name[..random.Next(name.Length)] + name[random.Next(name.Length)..], dtype, shape, data);
                break;
            case 1:
                adapter.Tensors[at] = (name, dtype, [.. shape.Reverse()], data);
                break;
            case 2:
                adapter.Tensors[at] = (name, dtype, [shape[0] * shape[1]], data);
                break;
            case 3:
                adapter.Tensors[at] = (name, type.ToString(), [0, shape[1]], []);
                break;
            default:
                adapter.Tensors.RemoveAt(at);
                break;
        }

        bool loads = Try(adapter.InMemory(), targets);
        bool unchanged = adapter.Tensors.Count > at && adapter.Tensors[at].Name == name && adapter.Tensors[at].Shape.SequenceEqual(shape);
        return (loads == unchanged || (loads && PrefixOnly(adapter.Tensors[at].Name, name))).ToProperty();
    }

    /// <summary>A file with a few changes, most of them in the header, where they matter most.</summary>
    private static byte[] Damaged(byte[] bytes, Random random)
    {
        int header = 8 + (int)BitConverter.ToInt64(bytes);
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(random.Next(4) == 0 ? bytes.Length : header);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] = (byte)"0123456789,:{}[]\"FB._"[random.Next(21)];
                    break;
                case 2:
                    bytes = [.. bytes.AsSpan(0, at), .. bytes.AsSpan(Math.Min(bytes.Length, at + random.Next(1, 9)))];
                    break;
                default:
                    bytes = [
                        .. bytes.AsSpan(0, at), .. bytes.AsSpan(at, Math.Min(bytes.Length - at, random.Next(1, 60))), .. bytes.AsSpan(at)];
                    break;
            }

            header = Math.Min(header, bytes.Length);
            if (bytes.Length == 0)
            {
                break;
            }
        }

        return bytes;
    }

    /// <summary>Registers and loads; whether that succeeded.</summary>
    private static bool Try(AdapterPackage package, ImmutableArray<TargetModule> targets = default)
    {
        try
        {
            AdapterDescription description = AdapterDescription.Read(package, targets.IsDefault ? Targets : targets);
            using AdapterContent content = AdapterContent.Load(description, _ => default);
            Assert.That(content.Modules, Is.Not.Empty);
            return true;
        }
        catch (AdapterLoadException error)
        {
            Assert.That(error.Adapter, Is.EqualTo("tenant"));
            Assert.That(error.Message, Does.StartWith("Adapter 'tenant': "));
            Assert.That(error.Message, Has.Length.LessThan(2000));
            return false;
        }
    }

    // A cut that only took away prefixes leaves a name that still says the same.
    private static bool PrefixOnly(string changed, string original) =>
        original.EndsWith(changed, StringComparison.Ordinal) || changed.EndsWith(original, StringComparison.Ordinal)
        || Formats(changed) == Formats(original);

    private static SLoRA.Formats.Peft.PeftTensorKey? Formats(string name) => SLoRA.Formats.Peft.PeftTensorKey.Parse(name);

    private static TensorPackage WithTensorsOf(string adapter, string config)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(FixtureModel.AdapterPath("core-llama-gqa", adapter), "adapter_model.safetensors"));
        SafetensorsHeader header = SafetensorsWriter.Read(file);
        return new TensorPackage(
            "tenant",
            Encoding.UTF8.GetBytes(config),
            [.. header.Tensors.Select((tensor, at) => tensor with { Begin = at })],
            [.. header.Tensors.Select(tensor => file[(int)tensor.Begin..(int)(tensor.Begin + tensor.Length)])],
            file.Length);
    }

    private static void Damage(StringBuilder text, Random random)
    {
        int at = random.Next(text.Length);
        string piece = Pieces[random.Next(Pieces.Length)];
        switch (random.Next(4))
        {
            case 0:
                text.Insert(at, piece);
                break;
            case 1:
                text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                break;
            case 2:
                ReplaceValue(text, random, piece);
                break;
            default:
                text[at] = (char)random.Next(32, 256);
                break;
        }

        if (text.Length == 0)
        {
            text.Append('{');
        }
    }

    /// <summary>Puts a piece in the place of the value of some line, which leaves the JSON whole more often than not.</summary>
    private static void ReplaceValue(StringBuilder text, Random random, string piece)
    {
        string[] lines = text.ToString().Split('\n');
        int line = random.Next(lines.Length);
        int colon = lines[line].IndexOf(": ", StringComparison.Ordinal);
        if (colon < 0)
        {
            return;
        }

        lines[line] = lines[line][..(colon + 2)] + piece + (lines[line].EndsWith(',') ? "," : "");
        text.Clear().Append(string.Join('\n', lines));
    }
}
