using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Formats.Gguf;

internal sealed class GgufFilesTests
{
    private static readonly string Model = RepositoryFolder.Fixture("later-gguf-llama3-f16", "model.gguf");

    [Test]
    public void A_model_that_was_split_is_the_model_that_it_was()
    {
        using var folder = new TemporaryFolder();
        Split(folder, parts: 3);
        using BaseModel whole = BaseModel.Open(Model), split = BaseModel.Open(Path.Combine(folder.Path, Name(0, 3))),
            found = BaseModel.Open(folder.Path, access: ModelAccess.Read);

        foreach (ExpectedTensor tensor in whole.Modules.Tensors)
        {
            float[] expected = whole.Weight(tensor.Name).Widened();
            Assert.That(split.Weight(tensor.Name).Widened(), Is.EqualTo(expected), tensor.Name);
            Assert.That(found.Weight(tensor.Name).Widened(), Is.EqualTo(expected), tensor.Name);
        }
    }

    [Test]
    public void A_part_that_is_missing_or_of_another_model_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        Split(folder, parts: 3);
        string first = Path.Combine(folder.Path, Name(0, 3)), second = Path.Combine(folder.Path, Name(1, 3)),
            third = Path.Combine(folder.Path, Name(2, 3));

        Assert.That(Refused(second).Message, Does.Contain("split.no").And.Contain("name the first"));

        File.Copy(second, third, overwrite: true);
        Assert.That(Refused(first).Message, Does.Contain(Name(2, 3)));

        File.Delete(third);
        Assert.That(Refused(first).Message, Does.Contain(Name(2, 3)).And.Contain("missing"));

        string renamed = Path.Combine(folder.Path, "other.gguf");
        File.Move(first, renamed);
        Assert.That(Refused(renamed).Message, Does.Contain("-00001-of-00003.gguf"));
    }

    [Test]
    public void A_folder_of_several_models_asks_for_the_name_of_one()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Model, Path.Combine(folder.Path, "a.Q8_0.gguf"));
        Assert.That(GgufFiles.Find(folder.Path), Does.EndWith("a.Q8_0.gguf"));

        File.Copy(Model, Path.Combine(folder.Path, "b.F16.gguf"));
        FormatError error = Assert.Throws<FormatError>(() => GgufFiles.Find(folder.Path))!;
        Assert.That(error.Message, Does.Contain("a.Q8_0.gguf").And.Contain("b.F16.gguf"));

        using BaseModel model = BaseModel.Open(Path.Combine(folder.Path, "b.F16.gguf"));
        Assert.That(model.Decoder.Layers, Has.Length.EqualTo(2));
    }

    [Test]
    public void Rows_of_queries_lie_so_that_neighbours_rotate_together()
    {
        // Two heads of four rows: Hugging Face's rows 0 1 2 3 lie as 0 2 1 3.
        Assert.That(Enumerable.Range(0, 8).Select(row => new HeadRows(4).InFile(row)), Is.EqualTo(new[] { 0, 2, 1, 3, 4, 6, 5, 7 }));
        // One of eight: i + 4 j lies at 2 i + j.
        Assert.That(Enumerable.Range(0, 8).Select(row => new HeadRows(8).InFile(row)), Is.EqualTo(new[] { 0, 2, 4, 6, 1, 3, 5, 7 }));
    }

    private static string Name(int part, int parts) => $"model-{part + 1:00000}-of-{parts:00000}.gguf";

    private static ModelLoadException Refused(string path) => Assert.Throws<ModelLoadException>(() => BaseModel.Open(path))!;

    /// <summary>Gives each part every third tensor, and the first all keys.</summary>
    private static void Split(TemporaryFolder folder, int parts)
    {
        byte[] bytes = File.ReadAllBytes(Model);
        GgufHeader header = GgufHeader.Read(new MemoryStream(bytes), "model.gguf");
        for (int part = 0; part < parts; part++)
        {
            var writer = new GgufWriter();
            writer.Key("split.no", (ushort)part).Key("split.count", (ushort)parts).Key("split.tensors.count", header.Tensors.Length);
            if (part == 0)
            {
                foreach (string key in header.Metadata.Keys.Where(key => !key.Contains("token", StringComparison.Ordinal)))
                {
                    Copy(header.Metadata, key, writer);
                }
            }

            foreach (GgufTensor tensor in header.Tensors.Where((_, i) => i % parts == part))
            {
                writer.Tensor(tensor.Name, tensor.Type.Name == "F32" ? 0u : 1u,
                    bytes.AsSpan((int)tensor.Begin, (int)tensor.Length).ToArray(), [.. tensor.Shape]);
            }

            folder.Write(Name(part, parts), writer.Write());
        }
    }

    private static void Copy(GgufMetadata metadata, string key, GgufWriter writer)
    {
        try
        {
            writer.Key(key, (uint)metadata.Integer(key, 0, uint.MaxValue));
        }
        catch (FormatError)
        {
            try
            {
                writer.Key(key, (float)metadata.Number(key, double.MinValue, double.MaxValue));
            }
            catch (FormatError)
            {
                writer.Key(key, metadata.Text(key));
            }
        }
    }
}
