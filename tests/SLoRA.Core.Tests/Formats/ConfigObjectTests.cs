using System.Text;
using NUnit.Framework;
using SLoRA.Errors;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

internal sealed class ConfigObjectTests
{
    [Test]
    public void Values_are_read_by_type_and_null_counts_as_absent()
    {
        ConfigObject config = Parse("""
            {"int":7,"number":1e-5,"whole":2,"yes":true,"text":"é","none":null,"strings":["a","b"],
             "one":3,"several":[3,4],"nested":{"deep":{"x":1}}}
            """);
        Assert.Multiple(() =>
        {
            Assert.That(config.Int("int", 1, 9), Is.EqualTo(7));
            Assert.That(config.Number("number", 0, 1), Is.EqualTo(1e-5));
            Assert.That(config.Number("whole", 0, 9), Is.EqualTo(2.0));
            Assert.That(config.Bool("yes", false), Is.True);
            Assert.That(config.Bool("none", true), Is.True);
            Assert.That(config.String("text"), Is.EqualTo("é"));
            Assert.That(config.Has("none"), Is.False);
            Assert.That(config.Keys, Does.Contain("none"));
            Assert.That(config.OptionalInt("none", 0, 1), Is.Null);
            Assert.That(config.OptionalNumber("absent", 0, 1), Is.Null);
            Assert.That(config.OptionalString("absent"), Is.Null);
            Assert.That(config.OptionalStrings("strings"), Is.EqualTo(new[] { "a", "b" }));
            Assert.That(config.OptionalIntOrInts("one", 0, 9), Is.EqualTo(new[] { 3 }));
            Assert.That(config.OptionalIntOrInts("several", 0, 9), Is.EqualTo(new[] { 3, 4 }));
            Assert.That(config.OptionalObject("nested")!.OptionalObject("deep")!.Int("x", 0, 1), Is.EqualTo(1));
            Assert.That(config.OptionalObject("absent"), Is.Null);
        });
    }

    [TestCase("{}", "is missing")]
    [TestCase("""{"k":null}""", "is missing")]
    [TestCase("""{"k":"7"}""", "whole number")]
    [TestCase("""{"k":true}""", "whole number")]
    [TestCase("""{"k":7.0}""", "whole number")]
    [TestCase("""{"k":7e0}""", "whole number")]
    [TestCase("""{"k":-1}""", "0 to 9")]
    [TestCase("""{"k":10}""", "0 to 9")]
    [TestCase("""{"k":18446744073709551617}""", "0 to 9")]
    [TestCase("""{"k":-18446744073709551617}""", "0 to 9")]
    public void A_whole_number_is_refused(string json, string mention) => Refused(() => Parse(json).Int("k", 0, 9), "k", mention);

    [TestCase("{}", "is missing")]
    [TestCase("""{"k":"NaN"}""", "a number")]
    [TestCase("""{"k":1e400}""", "1e400")]
    [TestCase("""{"k":-1e400}""", "-1e400")]
    [TestCase("""{"k":1.5}""", "1.5")]
    public void A_number_is_refused(string json, string mention) =>
        Refused(() => Parse(json).Number("k", double.MinValue, 1), "k", mention);

    [Test]
    public void Other_types_are_refused_too()
    {
        ConfigObject config = Parse("""{"k":[1,"a"],"half":"\ud800","nested":{"x":[]}}""");
        Refused(() => config.Bool("k", false), "k", "true or false");
        Refused(() => config.String("k"), "k", "a string");
        Refused(() => config.String("half"), "half", "surrogate");
        Refused(() => config.OptionalStrings("k"), "k", "a string");
        Refused(() => config.OptionalStrings("half"), "half", "list");
        Refused(() => config.OptionalIntOrInts("k", 0, 9), "k", "whole number");
        Refused(() => config.OptionalObject("k"), "k", "an object");
        Refused(() => config.OptionalObject("nested")!.String("x"), "nested.x", "a string");
    }

    [TestCase("not json", "not JSON")]
    [TestCase("{\"a\":1,}", "not JSON")]
    [TestCase("{\"a\":NaN}", "not JSON")]
    [TestCase("{\"a\":1} // remark", "not JSON")]
    [TestCase("", "not JSON")]
    [TestCase("[]", "array")]
    [TestCase("null", "null")]
    [TestCase("\"text\"", "string")]
    [TestCase("{\"a\":1,\"a\":2}", "twice")]
    [TestCase("{\"\\ud800\":1}", "surrogate")]
    public void A_document_is_refused(string json, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(() => Parse(json))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Config));
        Assert.That(error.Message, Does.Contain(mention).And.Contain("test.json"));
    }

    [Test]
    public void A_nested_key_given_twice_is_named_with_its_path()
    {
        Refused(() => Parse("""{"rope":{"theta":1,"theta":2}}""").OptionalObject("rope"), "rope.theta", "twice");
    }

    [Test]
    public void Bytes_that_are_not_utf8_and_endless_nesting_are_refused()
    {
        Assert.That(() => ConfigDocument.Parse(new byte[] { (byte)'{', 0xff, (byte)'}' }, "test.json"), Throws.TypeOf<FormatError>());
        Assert.That(() => Parse("{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}"), Throws.TypeOf<FormatError>());
    }

    [Test]
    public void A_missing_file_is_an_error_of_the_file_and_a_huge_one_is_not_read()
    {
        FormatError missing = Assert.Throws<FormatError>(() => ConfigDocument.Read("no-such-folder/config.json"))!;
        Assert.That(missing.Kind, Is.EqualTo(LoadErrorKind.File));

        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"huge-{Guid.NewGuid():N}.json");
        File.WriteAllBytes(path, new byte[100]);
        try
        {
            FormatError huge = Assert.Throws<FormatError>(() => ConfigDocument.Read(path, largest: 99))!;
            Assert.That(huge.Message, Does.Contain("100 bytes"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void A_long_value_and_a_long_key_are_cut_in_messages()
    {
        string key = new('k', 5000);
        FormatError error = Assert.Throws<FormatError>(() => Parse($$"""{"{{key}}":"{{key}}"}""").Int(key, 0, 1))!;
        Assert.That(error.Message, Has.Length.LessThan(400));
        Assert.That(Shown.Name("a\nb\u001b"), Is.EqualTo("'a\\u000ab\\u001b'"));
    }

    private static ConfigObject Parse(string json) => ConfigDocument.Parse(Encoding.UTF8.GetBytes(json), "test.json");

    private static void Refused(Action question, string subject, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(question)!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Config));
        Assert.That(error.Subject, Is.EqualTo(subject));
        Assert.That(error.Message, Does.Contain(mention).And.Contain(subject));
    }
}
