package demo;

/** The one method that every demo service has: it answers with which provider and which service served the call. */
public interface Shop {
    String add(String item);
}
